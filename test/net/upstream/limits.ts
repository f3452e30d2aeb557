/** How long an answer may be, and how long it may take. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createUpstream } from '../../../src/net/qencode.ts'
import type { UpstreamFetch } from '../../../src/ports.ts'
import { manualTimer } from '../../support/manual-timer.ts'
import { type Asking, a, userAgent } from './asking.ts'

export function sizeSuite({ answering, close, fetch, listen, upstream }: Asking): void {
  describe('a body over the limit', () => {
    const small = createUpstream({ userAgent, fetch, timeoutMs: 15_000, bodyBytesMax: 100 })
    const tooLarge = { kind: 'failed', reason: 'too_large' }
    const bodyOf = (bytes: number) => `{"error":0,"statuses":{}}${' '.repeat(bytes - 25)}`

    it('is refused from the first byte too many', async () => {
      expect(await small.status(await answering(bodyOf(100)), [a])).toEqual({
        kind: 'statuses',
        statuses: new Map(),
      })
      await close()
      expect(await small.status(await answering(bodyOf(101)), [a])).toEqual(tooLarge)
    })

    it('is refused while it is still being sent, and the connection is let go of', async () => {
      const hungUp = Promise.withResolvers<void>()
      const origin = await listen((request, response) => {
        request.socket.once('close', () => hungUp.resolve())
        const more = () => {
          if (!response.destroyed) response.write('x'.repeat(4096), more)
        }
        more()
      })
      expect(await small.status(origin, [a])).toEqual(tooLarge)
      await hungUp.promise
    })

    it('is measured after decompression, and the connection is let go of', async () => {
      const hungUp = Promise.withResolvers<void>()
      const origin = await listen((request, response) => {
        request.socket.once('close', () => hungUp.resolve())
        response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(bodyOf(10_000)))
      })
      expect(await small.status(origin, [a])).toEqual(tooLarge)
      await hungUp.promise
    })

    it('is measured at 16 MiB unless told otherwise', async () => {
      const limit = 16 * 1024 * 1024
      expect(await upstream.status(await answering(bodyOf(limit)), [a])).toMatchObject({ kind: 'statuses' })
      await close()
      expect(await upstream.status(await answering(bodyOf(limit + 1)), [a])).toEqual(tooLarge)
    })

    it('is one of more than two million values, too, which take far more memory than their text', async () => {
      const valuesOf = (count: number) => `{"error":0,"statuses":{"${a}":{"x":[${'{},'.repeat(count)}{}]}}}`
      expect(await upstream.status(await answering(valuesOf(100_000)), [a])).toMatchObject({
        kind: 'statuses',
      })
      await close()
      expect(await upstream.status(await answering(valuesOf(1_500_000)), [a])).toEqual(tooLarge)
    })
  })
}

export function timeSuite({ answering, fetch, listen }: Asking): void {
  describe('the time limit', () => {
    it('ends a call that gets no answer, and hangs up', async () => {
      const timer = manualTimer()
      const hungUp = Promise.withResolvers<void>()
      const origin = await listen((request) => {
        request.socket.once('close', () => hungUp.resolve())
        timer.fire()
      })
      const answer = await createUpstream({ userAgent, fetch, timeoutMs: 1234, timers: timer }).status(
        origin,
        [a],
      )
      expect(answer).toEqual({ kind: 'failed', reason: 'timeout' })
      expect(timer.ms).toBe(1234)
      await hungUp.promise
    })

    it('includes the body', async () => {
      const timer = manualTimer()
      const origin = await listen((_request, response) => {
        response.writeHead(200)
        response.write('{"error":0,')
      })
      const fetchThenFire: UpstreamFetch = async (url, init) => {
        const response = await fetch(url, init)
        timer.fire()
        return response
      }
      const answer = await createUpstream({
        userAgent,
        fetch: fetchThenFire,
        timeoutMs: 1,
        timers: timer,
      }).status(origin, [a])
      expect(answer).toEqual({ kind: 'failed', reason: 'timeout' })
    })

    it('holds where fetch ignores its signal', async () => {
      const timer = manualTimer()
      const fetchForever = () => {
        queueMicrotask(() => timer.fire())
        return new Promise<Response>(() => {})
      }
      const answer = await createUpstream({
        userAgent,
        fetch: fetchForever,
        timeoutMs: 1,
        timers: timer,
      }).status('http://x', [a])
      expect(answer).toEqual({ kind: 'failed', reason: 'timeout' })
    })

    it('is taken back when the answer is there', async () => {
      const timer = manualTimer()
      await createUpstream({ userAgent, fetch, timeoutMs: 1, timers: timer }).status(await answering('{}'), [
        a,
      ])
      expect(timer.cancelled).toBe(true)
    })
  })
}
