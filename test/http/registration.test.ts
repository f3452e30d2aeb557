/** POST /v1/subscriptions: what is taken, with which defaults, and how each refusal names its field. */
import { describe, expect, test, vi } from 'vitest'
import type { SubscribeResult } from '../../src/commands.ts'
import type { SubscriptionInput } from '../../src/store/records.ts'
import { recordOf, subscriptionRecord, testApp, token } from './support.ts'

const minimal = { task_token: token, callback_url: 'https://app.example.com/hooks' }
const ownSecret = `whsec_${btoa('0123456789abcdef01234567')}`

/** Registers `body` and returns what the relay was asked to store. */
async function stored(body: object): Promise<SubscriptionInput | undefined> {
  const subscribe = vi.fn(async (inputs: readonly SubscriptionInput[]) =>
    inputs.map((input) => ({ kind: 'created' as const, subscription: recordOf(input) })),
  )
  await testApp({ commands: { subscribe } }).call('POST', '/v1/subscriptions', body)
  return subscribe.mock.calls[0]?.[0][0]
}

async function refused(body: unknown) {
  const response = await testApp().call('POST', '/v1/subscriptions', body)
  const problem = (await response.json()) as {
    code: string
    detail: string
    errors?: { path: string; message: string }[]
  }
  return {
    status: response.status,
    code: problem.code,
    detail: problem.detail,
    error: problem.errors?.[0],
  }
}

describe('POST /v1/subscriptions', () => {
  test('answers with the one Response that the handler made', async () => {
    const { call } = testApp()
    let made = 0
    class Counted extends Response {
      constructor(...given: ConstructorParameters<typeof Response>) {
        super(...given)
        made++
      }
    }
    vi.stubGlobal('Response', Counted)
    const response = await call('POST', '/v1/subscriptions', minimal).finally(() => vi.unstubAllGlobals())
    expect(made).toBe(1)
    expect(response.headers.get('x-request-id')).toBe('req_1')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('answers 201 with the subscription and its Location', async () => {
    const response = await testApp().call('POST', '/v1/subscriptions', minimal)
    expect(response.status).toBe(201)
    expect(response.headers.get('location')).toBe('/v1/subscriptions/sub_1')
    expect(await response.json()).toEqual({
      id: 'sub_1',
      ...minimal,
      status_url: null,
      events: ['*'],
      percent_step: 1,
      metadata: {},
      own_secret: false,
      state: 'active',
      state_reason: null,
      task: {
        status: 'encoding',
        percent: 42,
        seq: 7,
        changed_at: '2026-11-23T09:59:59.998Z',
        polled_at: '2026-11-23T10:00:00.000Z',
      },
      created_at: '2026-11-23T10:00:00.000Z',
      expires_at: '2026-11-24T10:00:00.000Z',
    })
  })

  test('fills defaults and serialises the callback URL as the WHATWG parser does', async () => {
    expect(await stored({ ...minimal, callback_url: 'HTTPS://App.Example.com:443/a b' })).toEqual({
      ownerId: 1,
      taskToken: token,
      callbackUrl: 'https://app.example.com/a%20b',
      statusUrl: null,
      events: ['*'],
      percentStep: 1,
      metadata: {},
      secret: null,
      expiresInMs: 86_400_000,
    })
  })

  test('null is what no status URL and no secret are, as an answer or a form may have it', async () => {
    const input = await stored({ ...minimal, status_url: null, secret: null })
    expect(input).toMatchObject({ statusUrl: null, secret: null })
  })

  test('passes every option on', async () => {
    const options = { events: ['task.*'], metadata: { job: '7' }, secret: ownSecret }
    const status_url = 'https://master-1.qencode.com/v1/status'
    const input = await stored({ ...minimal, ...options, status_url, percent_step: 0.5, expires_in: 60 })
    expect(input).toMatchObject({ ...options, statusUrl: status_url, percentStep: 0.5, expiresInMs: 60_000 })
  })

  test('a status URL is kept as it is asked, however it was spelled', async () => {
    const input = await stored({ ...minimal, status_url: 'https://MASTER-1.qencode.com:443/v1/status' })
    expect(input).toMatchObject({ statusUrl: 'https://master-1.qencode.com/v1/status' })
  })

  test('the largest options that are allowed are taken', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [`key_${n + 10}`, 'x'.repeat(122)]),
    )
    const response = await testApp().call('POST', '/v1/subscriptions', {
      ...minimal,
      metadata,
      percent_step: 100,
      expires_in: 604_800,
      events: Array.from({ length: 20 }, () => 'task.completed'),
    })
    expect(response.status).toBe(201)
  })

  test.each<[string, object, string]>([
    ['an unknown field', { percentstep: 1 }, 'percentstep'],
    ['a field named like a method of Object', { toString: 1 }, 'toString'],
    ['a short token', { task_token: 'abc' }, 'task_token'],
    ['an upper-case token', { task_token: token.toUpperCase() }, 'task_token'],
    ['a token that is a number', { task_token: 5 }, 'task_token'],
    ['a callback that is no URL', { callback_url: 'app.example.com' }, 'callback_url'],
    [
      'a callback of 2,049 characters',
      { callback_url: `https://a.example/${'x'.repeat(2031)}` },
      'callback_url',
    ],
    ['no event pattern', { events: [] }, 'events'],
    ['21 event patterns', { events: Array.from({ length: 21 }, () => '*') }, 'events'],
    ['a bad event pattern', { events: ['*', 'encoding'] }, 'events.1'],
    ['a step below 0.1', { percent_step: 0.05 }, 'percent_step'],
    ['a step over 100', { percent_step: 101 }, 'percent_step'],
    ['a step as text', { percent_step: '1' }, 'percent_step'],
    ['metadata that is no text', { metadata: { a: 1 } }, 'metadata.a'],
    [
      '17 metadata entries',
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [n, ''])) },
      'metadata',
    ],
    ['metadata over 2 KiB', { metadata: { a: '界'.repeat(683) } }, 'metadata'],
    ['a secret without its prefix', { secret: btoa('0123456789abcdef01234567') }, 'secret'],
    ['a secret of 23 bytes', { secret: `whsec_${btoa('0123456789abcdef0123456')}` }, 'secret'],
    ['a fraction of a second', { expires_in: 1.5 }, 'expires_in'],
    ['no time at all', { expires_in: 0 }, 'expires_in'],
    ['longer than POLLHOOK_WATCH_MAX', { expires_in: 604_801 }, 'expires_in'],
  ])('%s is an invalid request that names the field', async (_name, change, path) => {
    const { status, code, error } = await refused({ ...minimal, ...change })
    expect([status, code, error?.path]).toEqual([400, 'invalid_request', path])
  })

  test('messages say what to do and do not repeat secrets', async () => {
    expect((await refused({})).error).toEqual({ path: 'task_token', message: 'is required' })
    expect((await refused({ ...minimal, percent_step: '1' })).error?.message).toBe(
      'must be a number, not a string',
    )
    expect((await refused({ ...minimal, nope: 1 })).error?.message).toMatch(/remove it/)
    const { error } = await refused({ ...minimal, secret: 'whsec_my-own-secret' })
    expect(error?.message).not.toContain('my-own-secret')
  })

  test.each([
    'http://app.example.com/',
    'https://user@app.example.com/',
    'https://app.example.com/#here',
    'https://127.0.0.1/',
    'https://localhost/',
    'ftp://app.example.com/',
  ])('callback %s is not allowed', async (callback_url) => {
    const { status, code, error } = await refused({ ...minimal, callback_url })
    expect([status, code, error?.path]).toEqual([400, 'callback_not_allowed', 'callback_url'])
  })

  test.each([
    'https://master-1.example.com/v1/status',
    'http://master-1.qencode.com/v1/status',
    'https://master-1.qencode.com/v1/other',
    'https://master-1.qencode.com/v1/status?x=1',
  ])('status URL %s is not allowed', async (status_url) => {
    const { status, code, error } = await refused({ ...minimal, status_url })
    expect([status, code, error?.path]).toEqual([400, 'status_url_not_allowed', 'status_url'])
  })

  test.each([
    ['http://app.example.com/', /^callback_url must be an https URL \(unless POLLHOOK_INSECURE_CALLBACKS is/],
    [
      'https://10.0.0.7/',
      /^callback_url must not name a private.* \(unless POLLHOOK_PRIVATE_CALLBACKS allows/,
    ],
    ['https://localhost/', /^callback_url must not name a loopback host \(unless POLLHOOK_PRIVATE_CALLBACKS/],
    ['https://box.internal/', /^callback_url must not name a host of a private.*POLLHOOK_PRIVATE_CALLBACKS/],
    [
      'http://127.0.0.1:3000/hook',
      /INSECURE_CALLBACKS is true\), and must not .*PRIVATE_CALLBACKS allows it\)\.$/,
    ],
    [
      'http://localhost:3000/hook',
      /INSECURE_CALLBACKS is true\), and must not .*PRIVATE_CALLBACKS allows it\)\.$/,
    ],
    ['ftp://app.example.com/', /^callback_url must be an https URL\.$/],
  ])('the refusal of %s names the setting that lifts it', async (callback_url, detail) => {
    expect((await refused({ ...minimal, callback_url })).detail).toMatch(detail)
  })

  test.each([
    [
      'https://master-1.example.com/v1/status',
      /^status_url must name .* that POLLHOOK_UPSTREAM_HOSTS allows\.$/,
    ],
    [
      'http://master-1.qencode.com/v1/status',
      /^status_url must be an https URL, as POLLHOOK_UPSTREAM_URL is\.$/,
    ],
  ])('the refusal of the status URL %s does too', async (status_url, detail) => {
    expect((await refused({ ...minimal, status_url })).detail).toMatch(detail)
  })

  test.each<[SubscribeResult, number, object]>([
    [{ kind: 'existing', subscription: subscriptionRecord }, 200, { id: 'sub_1' }],
    [{ kind: 'subscription_exists', id: 'sub_9' }, 409, { code: 'subscription_exists', id: 'sub_9' }],
    [{ kind: 'quota_exceeded', quota: 5 }, 429, { code: 'quota_exceeded' }],
  ])('%j answers %i', async (result, status, body) => {
    const { call } = testApp({ commands: { subscribe: async () => [result] } })
    const response = await call('POST', '/v1/subscriptions', minimal)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject(body)
  })
})
