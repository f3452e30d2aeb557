import { describe, expect, test } from 'vitest'
import { bodyBytesMax } from '../../src/http/body.ts'
import { key, testApp, token } from './support.ts'

describe('problem answers', () => {
  test('have every member of RFC 9457 that the contract names, and their media type', async () => {
    const response = await testApp().call('GET', '/v1/subscriptions/sub_none')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Not found',
      status: 404,
      code: 'not_found',
      detail: 'You have no such subscription.',
      request_id: 'req_1',
    })
  })

  test('a path that is nowhere is 404, a method that is not there is 405 with Allow', async () => {
    const { call, app } = testApp()
    const nowhere = await app.request('/nowhere')
    expect(nowhere.status).toBe(404)
    expect(await nowhere.json()).toMatchObject({ detail: expect.stringContaining('at /docs') })
    expect((await call('GET', '/v1/nowhere')).status).toBe(404)
    const one = await call('PUT', `/v1/tasks/${token}`)
    expect(one.status).toBe(405)
    expect(one.headers.get('allow')).toBe('GET, HEAD')
    expect(await one.json()).toMatchObject({ code: 'method_not_allowed' })
    expect((await call('DELETE', '/v1/subscriptions')).headers.get('allow')).toBe('GET, HEAD, POST')
    expect((await app.request('/healthz', { method: 'POST' })).status).toBe(405)
  })

  test('an unexpected error is 500 without its text, and logged with the request id', async () => {
    const { call, logged } = testApp({
      queries: {
        task: () => {
          const text = `secret inner text about ${token} at https://a.example/x?key=1`
          throw new Error(`${text}\nparams: ${token},https://b.example/y?key=2`)
        },
      },
    })
    const response = await call('GET', `/v1/tasks/${token}`)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(response.headers.get('x-request-id')).toBe('req_1')
    expect(text).not.toContain('secret inner text')
    expect(JSON.parse(text)).toMatchObject({ code: 'internal', request_id: 'req_1' })
    const line = logged.find(({ level }) => level === 'error')
    expect(line?.fields).toMatchObject({ request_id: 'req_1', route: '/v1/tasks/:token' })
    expect(line?.fields.error).toBe('Error: secret inner text about 471272… at https://a.example')
    expect(JSON.stringify(logged)).not.toContain(token)
  })

  test.each(['SQLITE_FULL', 'SQLITE_BUSY', 'SQLITE_IOERR_WRITE'])(
    '%s is 503, also as a cause',
    async (code) => {
      const { call } = testApp({
        commands: {
          subscribe: async () => {
            throw new Error('query failed', { cause: Object.assign(new Error('disk'), { code }) })
          },
        },
      })
      const response = await call('POST', '/v1/subscriptions', {
        task_token: token,
        callback_url: 'https://app.example.com/',
      })
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
      expect(await response.json()).toMatchObject({ code: 'unavailable' })
    },
  )

  // A Durable Object has no codes.
  test.each(['database or disk is full', 'database is locked', 'disk I/O error'])(
    'so is "%s" without a code',
    async (words) => {
      const subscribe = () => Promise.reject(new Error(`${words}: SQLITE_SOMETHING`))
      const body = { task_token: token, callback_url: 'https://app.example.com/' }
      const response = await testApp({ commands: { subscribe } }).call('POST', '/v1/subscriptions', body)
      expect([response.status, await response.json()]).toMatchObject([503, { code: 'unavailable' }])
    },
  )

  test('whatever is unavailable, the answer says when to try again', async () => {
    const closing = AbortSignal.abort()
    const full = () => Promise.reject(new Error('database or disk is full'))
    const { call } = testApp({
      commands: { subscribe: full, ready: () => false },
      queries: { streamState: () => ({ lastSeq: 1, watching: true }) },
      deps: { closing },
    })
    const registration = { task_token: token, callback_url: 'https://app.example.com/' }
    const answers = [
      await call('POST', '/v1/subscriptions', registration),
      await call('GET', `/v1/tasks/${token}/events`),
      await call('GET', '/readyz'),
    ]
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [503, '5'],
      [503, '5'],
      [503, '5'],
    ])
  })

  test('a bad cursor is an invalid request', async () => {
    const listSubscriptions = () => {
      throw Object.assign(new Error('no'), { name: 'InvalidCursorError' })
    }
    const response = await testApp({ queries: { listSubscriptions } }).call(
      'GET',
      '/v1/subscriptions?cursor=x',
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'invalid_request', errors: [{ path: 'cursor' }] })
  })
})

describe('x-request-id', () => {
  test.each(['/healthz', '/nowhere', '/v1/tasks'])('is on the answer of %s', async (path) => {
    expect((await testApp().app.request(path)).headers.get('x-request-id')).toBe('req_1')
  })

  test('a safe one of the caller is kept, any other is replaced', async () => {
    const { app } = testApp()
    const ask = async (id: string) =>
      (await app.request('/healthz', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await ask('trace-0123456789')).toBe('trace-0123456789')
    expect(await ask('x')).toBe('req_1')
    expect(await ask('"} evil {"')).toBe('req_2')
    expect(await ask('a'.repeat(65))).toBe('req_3')
  })
})

describe('request bodies', () => {
  const { app, call } = testApp()

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/json; charset=latin1'],
    ['application/jsonp'],
  ])('%s is 415', async (type) => {
    const response = await call('POST', '/v1/subscriptions', '{}', { 'content-type': type })
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({ code: 'unsupported_media_type' })
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])(
    '%s is taken',
    async (type) => {
      const body = JSON.stringify({ task_token: token, callback_url: 'https://app.example.com/' })
      expect((await call('POST', '/v1/subscriptions', body, { 'content-type': type })).status).toBe(201)
    },
  )

  test.each(['gzip', 'br, gzip', 'Identity'])(
    'encoded as %s it is taken plain, or refused as 415',
    async (coding) => {
      const body = { task_token: token, callback_url: 'https://app.example.com/' }
      for (const [path, sent, taken] of [
        ['/v1/subscriptions', body, 201],
        ['/v1/subscriptions/batch', { subscriptions: [body] }, 200],
        ['/v1/signing-secret/rotate', {}, 200],
        ['/v1/subscriptions/sub_1/test', {}, 202],
      ] as const) {
        const response = await call('POST', path, sent, { 'content-encoding': coding })
        if (coding === 'Identity') expect(response.status).toBe(taken)
        else {
          expect(response.headers.get('accept-encoding')).toBe('identity')
          const { status, code, detail } = (await response.json()) as Record<string, unknown>
          expect([status, code]).toEqual([415, 'unsupported_media_type'])
          expect(detail).toMatch(/content-encoding/)
        }
      }
    },
  )

  test('an encoding of very many spaces that are no whitespace of HTTP is refused like any other', async () => {
    const coding = `${'\u00a0'.repeat(120_000)}x`
    expect((await call('POST', '/v1/subscriptions', {}, { 'content-encoding': coding })).status).toBe(415)
  })

  test.each([['{'], [''], ['{"a":1}x'], ["{'a':1}"]])('%j is invalid_json', async (body) => {
    const response = await call('POST', '/v1/subscriptions', body, { 'content-type': 'application/json' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'invalid_json' })
  })

  test('bytes that are not UTF-8 are invalid_json', async () => {
    const response = await app.request('/v1/subscriptions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    })
    expect(await response.json()).toMatchObject({ status: 400, code: 'invalid_json' })
  })

  test('a body over the limit is 413, with and without a content-length', async () => {
    const large = `"${'x'.repeat(bodyBytesMax)}"`
    const announced = await call('POST', '/v1/subscriptions', large, {
      'content-length': String(large.length),
    })
    expect(announced.status).toBe(413)
    const chunked = await app.request('/v1/subscriptions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    expect(await chunked.json()).toMatchObject({ code: 'body_too_large' })
    const largest = large.slice(2)
    const taken = await call('POST', '/v1/subscriptions', largest, {
      'content-length': String(largest.length),
    })
    expect(await taken.json()).toMatchObject({ code: 'invalid_json' })
  })

  test.each(['[]', 'null', '5', '"x"'])('%s is no object, so an invalid request', async (body) => {
    const response = await call('POST', '/v1/subscriptions', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'invalid_request' })
  })

  test.each(['__proto__', 'constructor', 'prototype'])(
    '%s, a name that JavaScript reserves, is refused at its path, not dropped',
    async (name) => {
      const of = (metadata: string, more = '') =>
        `{"task_token":"${token}","callback_url":"https://a.example/","metadata":${metadata}${more}}`
      const errorsOf = async (body: string) => {
        const response = await call('POST', '/v1/subscriptions', body)
        expect(response.status).toBe(400)
        return ((await response.json()) as { errors: object[] }).errors
      }
      const reserved = { path: `metadata.${name}`, message: 'has a name that is reserved; choose another' }
      expect(await errorsOf(of(`{"${name}":"x"}`))).toEqual([reserved])
      expect(await errorsOf(of(`{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":{}}`))).toEqual([
        reserved,
      ])
      expect(await errorsOf(of('{}', `,"${name}":{"events":["*"]}`))).toMatchObject([{ path: name }])
      expect((await call('POST', '/v1/subscriptions', of(`{"x":"${name}"}`))).status).toBe(201)
    },
  )
})
