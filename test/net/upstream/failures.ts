/** Answers that tell of no task: to wait, an error, and what is no answer at all. */
import { describe, expect, it } from 'vitest'
import { createUpstream } from '../../../src/net/qencode.ts'
import { type Asking, a, b, userAgent } from './asking.ts'

export function waitSuite({ answering, close, upstream }: Asking): void {
  describe('an answer that says wait', () => {
    it.each([
      ['30', 30_000],
      ['Mon, 23 Nov 2026 10:01:00 GMT', 60_000],
      ['soon', null],
    ])('429 with Retry-After %s', async (header, retryAfterMs) => {
      const origin = await answering('slow down', { status: 429, headers: { 'retry-after': header } })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'busy', retryAfterMs })
    })

    it('429 with Retry-After twice', async () => {
      const headers = { 'retry-after': ['6', '30'] }
      const origin = await answering('slow down', { status: 429, headers })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'busy', retryAfterMs: 30_000 })
    })

    it('429 without Retry-After', async () => {
      expect(await upstream.status(await answering('', { status: 429 }), [a])).toEqual({
        kind: 'busy',
        retryAfterMs: null,
      })
    })

    it.each([8, '8'])('error %j', async (error) => {
      const quiet = await answering({ error, message: 'busy' })
      expect(await upstream.status(quiet, [a])).toEqual({ kind: 'busy', retryAfterMs: null })
      await close()
      const told = await answering({ error }, { headers: { 'retry-after': '7' } })
      expect(await upstream.status(told, [a])).toEqual({ kind: 'busy', retryAfterMs: 7000 })
    })
  })
}

export function errorSuite({ answering, upstream }: Asking): void {
  describe('an answer that is an error', () => {
    it.each([
      [{ error: 13, message: 'Bad task_tokens' }, 13, 'Bad task_tokens'],
      [{ error: '5', error_description: 'Token not found' }, 5, 'Token not found'],
      [{ error: 1, message: null, statuses: {} }, 1, null],
      [{ error: true }, 1, null],
    ])('%j', async (body, code, message) => {
      expect(await upstream.status(await answering(body), [a])).toEqual({ kind: 'error', code, message })
    })

    it('counts with an HTTP status of 4xx too', async () => {
      const origin = await answering({ error: 13 }, { status: 400 })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'error', code: 13, message: null })
    })

    it('never quotes a whole token', async () => {
      const origin = await answering({ error: 13, message: `bad ${a}, ${b.toUpperCase()}` })
      expect(await upstream.status(origin, [a])).toMatchObject({ message: 'bad a2600f…, 471272…' })
    })

    it('nor amid other hex', async () => {
      const answer = await upstream.status(await answering({ error: 1, message: `unauthorized${a}${b}` }), [
        a,
      ])
      const { message } = answer as { message: string }
      for (const token of [a, b]) expect(message).not.toContain(token.slice(8, 24))
    })

    it('is cut when it is long', async () => {
      const answer = await upstream.status(await answering({ error: 1, message: 'x'.repeat(9999) }), [a])
      expect(answer).toMatchObject({ kind: 'error', message: 'x'.repeat(300) })
    })
  })
}

export function unusableSuite({ answering, close, listen, upstream }: Asking): void {
  describe('no usable answer', () => {
    it.each([500, 502, 503, 599])('HTTP %d', async (status) => {
      const origin = await answering({ error: 0, statuses: { [a]: {} } }, { status })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'server_error' })
    })

    it.each([301, 302, 303, 307, 308])('a redirect %d, which is not followed', async (status) => {
      const paths: string[] = []
      const origin = await listen((request, response) => {
        paths.push(request.url ?? '')
        response.writeHead(status, { location: '/elsewhere' }).end()
      })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'redirect' })
      expect(paths).toEqual(['/v1/status'])
    })

    it('a head that decides, however long its body takes: the connection is let go of', async () => {
      const hungUp = Promise.withResolvers<void>()
      const origin = await listen((request, response) => {
        request.socket.once('close', () => hungUp.resolve())
        response.writeHead(503).write('Service un')
      })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'server_error' })
      await hungUp.promise
    })

    it('a redirect that the runtime hides', async () => {
      const hidden = { type: 'opaqueredirect', status: 0, body: null, headers: new Headers() } as Response
      const answer = await createUpstream({ userAgent, fetch: async () => hidden, timeoutMs: 1000 }).status(
        'http://x',
        [a],
      )
      expect(answer).toEqual({ kind: 'failed', reason: 'redirect' })
    })

    it.each([
      '',
      '<html>Bad gateway</html>',
      '[]',
      '[{"error":0}]',
      '"ok"',
      'null',
      '{"error":0}',
      '{"error":0,"statuses":[{"status":"completed"}]}',
      '{"error":0,"statuses":[null]}',
      '{"error":0,"statuses":null}',
      '{"error":0,"statuses":{',
      '{"message":"hello"}',
    ])('the body %j', async (body) => {
      expect(await upstream.status(await answering(body), [a])).toEqual({
        kind: 'failed',
        reason: 'unreadable',
      })
    })

    it('a body of bytes that are no text', async () => {
      const origin = await answering(Buffer.from([0xff, 0xfe, 0, 0x80]))
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'unreadable' })
    })

    it('nobody listening', async () => {
      const origin = await answering('')
      await close()
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'network' })
    })

    it('an origin that is none', async () => {
      expect(await upstream.status('not a url', [a])).toEqual({ kind: 'failed', reason: 'network' })
    })

    it('a connection that breaks in the body', async () => {
      const origin = await listen((_request, response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write('{"error":0,', () => response.destroy())
      })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'network' })
    })

    it('a compressed body that is not', async () => {
      const origin = await answering('plain', { headers: { 'content-encoding': 'gzip' } })
      expect(await upstream.status(origin, [a])).toEqual({ kind: 'failed', reason: 'network' })
    })
  })
}
