/** Asking upstream over real HTTP, whichever `fetch` the runtime has for it. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstream } from '../../src/net/qencode.ts'
import type { UpstreamFetch } from '../../src/ports.ts'
import { manualTimer } from '../support/manual-timer.ts'

const a = 'a2600fc63e4511e8ac870202b56d93e3'
const b = '471272a512d76c22665db9dcee893409'
const c = 'c'.repeat(32)
const userAgent = 'Pollhook/1.2.3'

export function upstreamSuite(fetch: UpstreamFetch): void {
  /** One real upstream per test, on a free port. */
  let close: () => Promise<void> = async () => {}
  afterEach(() => close())

  async function listen(handler: RequestListener): Promise<string> {
    const server = createServer(handler)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const now = () => Date.parse('2026-11-23T10:00:00Z')
  const upstream = createUpstream({ userAgent, fetch, timeoutMs: 15_000, now })

  function answering(
    body: unknown,
    head: { status?: number; headers?: Record<string, string | string[]> } = {},
  ) {
    return listen((_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(head.status ?? 200, head.headers)
      response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
    })
  }

  async function statusesOf(body: unknown, tokens: string[]) {
    const answer = await upstream.status(await answering(body), tokens)
    return answer.kind === 'statuses' ? Object.fromEntries(answer.statuses) : answer
  }

  describe('the request', () => {
    async function received(tokens: string[]) {
      let seen = { line: '', type: '', auth: '' as string | undefined, agent: '', body: '' }
      const origin = await listen(async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        const { 'content-type': type = '', authorization: auth, 'user-agent': agent = '' } = request.headers
        seen = { line: `${request.method} ${request.url}`, type, auth, agent, body }
        response.end('{"error":0,"statuses":{}}')
      })
      await upstream.status(origin, tokens)
      return seen
    }

    it('is a form with one token', async () => {
      expect(await received([a])).toEqual({
        line: 'POST /v1/status',
        type: 'application/x-www-form-urlencoded',
        auth: undefined,
        agent: userAgent,
        body: `task_tokens=${a}`,
      })
    })

    it('is a form with several tokens', async () => {
      const { body } = await received([a, b])
      expect(body).toBe(`task_tokens[]=${a}&task_tokens[]=${b}`)
      expect(new URLSearchParams(body).getAll('task_tokens[]')).toEqual([a, b])
    })
  })

  describe('an answer with statuses', () => {
    it('has the entries that were asked for, as upstream sent them', async () => {
      const entry = { status: 'encoding', percent: '8.37', videos: [{ tag: 'x' }] }
      const body = { error: 0, statuses: { [a]: entry, [c]: { status: 'completed' } } }
      expect(await statusesOf(body, [a, b])).toEqual({ [a]: entry })
    })

    it('is keyed by lower-case token', async () => {
      expect(await statusesOf({ error: 0, statuses: { [a.toUpperCase()]: { percent: 1 } } }, [a])).toEqual({
        [a]: { percent: 1 },
      })
    })

    it.each([null, 'None', 7, [], true, { error: 5 }, { error: '13', status: null }])(
      'drops the entry %j',
      async (entry) => {
        expect(await statusesOf({ error: 0, statuses: { [a]: entry, [b]: { percent: 1 } } }, [a, b])).toEqual(
          {
            [b]: { percent: 1 },
          },
        )
      },
    )

    it('knows none of them where the map is empty, which PHP writes as a list', async () => {
      for (const statuses of [{}, []]) expect(await statusesOf({ error: 0, statuses }, [a, b])).toEqual({})
    })

    it.each([0, '0', null, false, 'None', undefined])('is good with error %j', async (error) => {
      expect(await statusesOf({ error, statuses: { [a]: {} } }, [a])).toEqual({ [a]: {} })
    })

    it('may have a name of very many digits beside them', async () => {
      const statuses = { [a]: { status: 'queued' }, ['1'.repeat(16_000_000)]: { status: 'saving' } }
      expect(await statusesOf({ error: 0, statuses }, [a])).toEqual({ [a]: { status: 'queued' } })
    })

    it.each([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const)('may be compressed with %s', async (coding, compress) => {
      const body = compress(JSON.stringify({ error: 0, statuses: { [a]: { status: 'queued' } } }))
      const origin = await answering(body, { headers: { 'content-encoding': coding } })
      expect(await upstream.status(origin, [a])).toEqual({
        kind: 'statuses',
        statuses: new Map([[a, { status: 'queued' }]]),
      })
    })

    it('may be compressed and long', async () => {
      const note = randomBytes(2 * 1024 * 1024).toString('hex')
      const body = gzipSync(JSON.stringify({ error: 0, statuses: { [a]: { note } } }))
      const origin = await answering(body, { headers: { 'content-encoding': 'gzip' } })
      expect(await upstream.status(origin, [a])).toEqual({
        kind: 'statuses',
        statuses: new Map([[a, { note }]]),
      })
    })

    it.each([
      ['in the order of the call', [a, b, c]],
      ['in another order', [c, a, b]],
      ['with one left out', [a, c]],
    ])('is read %s', async (_, order) => {
      const entries = order.map((token, percent): [string, object] => [
        token,
        { status: 'encoding', percent },
      ])
      const statuses = Object.fromEntries(entries)
      expect(await statusesOf({ statuses, error: 0 }, [a, b, c])).toEqual(statuses)
      await close()
      expect(await statusesOf(JSON.stringify({ statuses, error: 0 }, null, 2), [a, b, c])).toEqual(statuses)
    })

    it('may name a token that was asked for anywhere else too', async () => {
      const own = { status: 'encoding', payload: { [b]: { status: 'completed' }, list: [`"${b}":`, b] } }
      const bodies = [
        { error: 0, statuses: { [a]: own, [b]: { percent: 2 } } },
        { error: 0, [a]: { percent: 9 }, statuses: { [a]: own, [b]: { percent: 2 } } },
        { error: 0, [a]: 1, [b]: 2, statuses: { 0: { percent: 8 }, [a]: own, [b]: { percent: 2 } } },
      ]
      for (const body of bodies) {
        expect(await statusesOf(body, [a, b])).toEqual({ [a]: own, [b]: { percent: 2 } })
        await close()
      }
    })

    it('has the last of a token that stands twice, as JSON.parse has', async () => {
      const body = `{"statuses":{"${a}":{"percent":1},"${b}":{},"${a}":{"percent":2}}}`
      expect(await statusesOf(body, [a, b])).toEqual({ [a]: { percent: 2 }, [b]: {} })
    })

    it('is not fooled by the names of Object.prototype', async () => {
      const body = `{"error":0,"statuses":{"__proto__":{"${a}":{"status":"completed"}},"constructor":{}}}`
      expect(await statusesOf(body, [a])).toEqual({})
    })
  })

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
  })

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

  describe('whatever upstream sends', () => {
    const pieces = fc.oneof(fc.jsonValue(), fc.constantFrom(0, 5, 8, 13, '8', null, 'None', true))
    const nearly = fc.record(
      {
        error: pieces,
        message: pieces,
        statuses: fc.oneof(pieces, fc.dictionary(fc.constantFrom(a, b, '__proto__'), pieces)),
      },
      { requiredKeys: [] },
    )
    const bodies = fc.oneof(
      nearly.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
    )
    const statuses = fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 }))

    it('is one of the known answers, never an exception', async () => {
      await fc.assert(
        fc.asyncProperty(
          bodies,
          statuses,
          fc.option(fc.stringMatching(/^[ -~]*$/)),
          async (body, status, retryAfter) => {
            const bodiless = [204, 205, 304].includes(status)
            const headers = retryAfter === null ? {} : { 'retry-after': retryAfter }
            const response = new Response(bodiless ? null : body, { status, headers })
            const answer = await createUpstream({
              userAgent,
              fetch: async () => response,
              timeoutMs: 15_000,
            }).status('http://x', [a, b])
            expect(['statuses', 'busy', 'error', 'failed']).toContain(answer.kind)
            if (answer.kind === 'statuses') {
              for (const [token, entry] of answer.statuses) {
                expect([a, b]).toContain(token)
                expect(Array.isArray(entry)).toBe(false)
                expect(entry).toBeTypeOf('object')
              }
            }
            if (answer.kind === 'error') expect(answer.code).not.toBe(0)
            if (answer.kind === 'busy' && answer.retryAfterMs !== null)
              expect(answer.retryAfterMs).toBeGreaterThanOrEqual(0)
          },
        ),
      )
    })

    it('says of each token what parsing it plainly says', async () => {
      const name = fc.constantFrom(a, b, c, '0', '1', '\\u0030', '\\u0031', 'x')
      const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
        value: fc.oneof({ maxDepth: 3 }, fc.constantFrom('1', `"${a}"`, `"\\"${b}\\":"`), tie('object')),
        object: fc
          .array(fc.tuple(name, tie('value'), fc.constantFrom(':', ' : ')), { maxLength: 4 })
          .map((members) => `{${members.map(([key, of, colon]) => `"${key}"${colon}${of}`).join()}}`),
      }))
      const entries = fc.array(fc.tuple(name, value), { maxLength: 5 })
      await fc.assert(
        fc.asyncProperty(entries, entries, value, fc.boolean(), async (members, more, before, inOrder) => {
          const named = inOrder ? [[a, '{"percent":1}'], ...members, [b, before], ...more] : members
          const statuses = `{${named.map(([key, of]) => `"${key}":${of}`).join()}}`
          const body = `{"x":${before},"statuses":${statuses}}`
          const answer = await createUpstream({
            userAgent,
            fetch: async () => new Response(body),
            timeoutMs: 15_000,
          }).status('http://x', [a, b])
          const plain = JSON.parse(statuses) as Record<string, unknown>
          const known = [a, b].filter((token) => typeof plain[token] === 'object')
          expect(answer).toEqual({
            kind: 'statuses',
            statuses: new Map(known.map((token) => [token, plain[token]])),
          })
        }),
        { numRuns: 1_000 },
      )
    })

    it('is read through however many chunks it comes in', async () => {
      const text = JSON.stringify({ error: 0, statuses: { [a]: { payload: 'ä€😀' } } })
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
          const bytes = new TextEncoder().encode(text)
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.slice(i * size, (i + 1) * size),
          )
          const response = new Response(ReadableStream.from(chunks))
          const answer = await createUpstream({
            userAgent,
            fetch: async () => response,
            timeoutMs: 15_000,
          }).status('http://x', [a])
          expect(answer).toEqual({ kind: 'statuses', statuses: new Map([[a, { payload: 'ä€😀' }]]) })
        }),
      )
    })
  })
}
