import { afterAll, expect, test, vi } from 'vitest'
import { createApi } from '../../src/cli/api.ts'
import { createLoopback } from '../support/loopback.ts'
import { pollhook } from './run.ts'

const loopback = createLoopback()
afterAll(() => loopback.closeAll())

test('a redirect is named, not followed: elsewhere the call would go without its key and be refused', async () => {
  const relay = await loopback.http((request, response) => {
    const known = request.headers.authorization !== undefined
    response.writeHead(known ? 200 : 401).end('{"data":[],"next_cursor":null}')
  })
  const location = `http://localhost:${relay.port}/v1/tasks`
  const front = await loopback.http((_request, response) => response.writeHead(301, { location }).end())
  const { call } = createApi({ url: `http://127.0.0.1:${front.port}`, key: 'a-key' })
  await expect(call('GET', '/v1/tasks')).rejects.toThrow(
    `http://127.0.0.1:${front.port}/v1/tasks answered 301, a redirect to ${location}: give`,
  )
})

test('of several faults each has a line, a single one is the detail already', async () => {
  const faults = [
    { path: 'since', message: 'must be a time' },
    { path: 'until', message: 'must\u009b be a time' },
  ]
  const relay = await loopback.http((request, response) => {
    const errors = faults.slice(Number(request.url?.slice(1)))
    const problem = { code: 'invalid_request', detail: 'since must be a time.', request_id: 'r1', errors }
    response.writeHead(400).end(JSON.stringify(problem))
  })
  const { call } = createApi({ url: `http://127.0.0.1:${relay.port}`, key: 'a-key' })
  const told = 'since must be a time (400 invalid_request, request r1)'
  await expect(call('POST', '/0')).rejects.toMatchObject({
    message: `${told}\n  since must be a time\n  until must� be a time`,
  })
  await expect(call('POST', '/1')).rejects.toMatchObject({ message: told })
})

test('a list under a filter asks on until the page is full, where the relay has looked through many in vain', async () => {
  const asked: (string | null)[] = []
  const pages = [
    { data: [], next_cursor: 'c3' },
    { data: [delivery('dlv_3')], next_cursor: 'c2' },
    { data: [delivery('dlv_2')], next_cursor: 'c1' },
  ]
  const relay = await loopback.http((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://127.0.0.1')
    asked.push(`${searchParams.get('state')} ${searchParams.get('cursor')} ${searchParams.get('limit')}`)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(pages[asked.length - 1]))
  })
  const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
  const { out } = await pollhook(['deliveries', '--state', 'pending', '--limit', '2', '--json'], { env })
  expect(asked).toEqual(['pending null 2', 'pending c3 2', 'pending c2 1'])
  expect(JSON.parse(out)).toEqual({ data: [delivery('dlv_3'), delivery('dlv_2')], next_cursor: 'c1' })
})

function delivery(id: string) {
  return { id, type: 'task.queued', state: 'pending' }
}

test('what comes from elsewhere moves no cursor and turns no line, and is the same JSON', async () => {
  const odd = delivery('dlv_\u009b2J\u202e\u{e0001}')
  const relay = await loopback.http((request, response) => {
    response.setHeader('content-type', 'application/json')
    const problem = { code: 'invalid_request', detail: 'no\u001b[2J', request_id: 'r\u009b' }
    const isFound = request.url === '/v1/deliveries/dlv_1'
    response.statusCode = isFound ? 200 : 400
    response.end(JSON.stringify(isFound ? odd : problem))
  })
  const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
  const shown = await pollhook(['deliveries', 'dlv_1'], { env })
  expect(shown.out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  expect(JSON.parse(shown.out)).toEqual(odd)
  const refused = await pollhook(['deliveries'], { env })
  expect(refused.err).toBe('error: no�[2J (400 invalid_request, request r�)\n')
})

test.each(['null', '[]', '{"data":{}}'])('an answer of %s is no list', async (body) => {
  const relay = await loopback.http((_request, response) => response.end(body))
  const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
  const { code, err } = await pollhook(['endpoints'], { env })
  expect({ code, err }).toEqual({
    code: 1,
    err: `error: /v1/endpoints was answered with no list: is http://127.0.0.1:${relay.port}/ a Pollhook?\n`,
  })
})

test.each([
  ['null', 'dlv_1'],
  ['[]', 'dlv_1'],
  ['null', '--exhausted'],
  ['{"count":"all"}', '--exhausted'],
])('an answer of %s is none to redeliver %s', async (body, what) => {
  const relay = await loopback.http((_request, response) => response.end(body))
  const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
  const { code, out, err } = await pollhook(['redeliver', what], { env })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(
    /^error: \/v1\/deliveries\/.*redeliver was answered with no (delivery|count): is .* a Pollhook\?\n$/,
  )
})

test.each([
  [['watch', 'a'.repeat(32)], '/v1/subscriptions was answered with no list'],
  [['endpoints', 'ep_1', '--pause'], '/v1/endpoints/ep_1 was answered with no id'],
  [['subscriptions', 'sub_1'], '/v1/subscriptions/sub_1 was answered with no id'],
])('an answer of {} to pollhook %j is none', async (command, fault) => {
  const relay = await loopback.http((_request, response) => response.end('{}'))
  const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
  const { code, out, err } = await pollhook(command, { env })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain(fault)
})

test.each(['null', '[]', '{"secrets":[]}', '{"secrets":[{"secret":""}]}'])(
  'an answer of %s has no secret',
  async (body) => {
    const relay = await loopback.http((_request, response) => response.end(body))
    const env = { POLLHOOK_URL: `http://127.0.0.1:${relay.port}`, POLLHOOK_KEY: 'a-key' }
    const { code, out, err } = await pollhook(['signing-secret'], { env })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain('/v1/signing-secret was answered with no secret: is')
  },
)

test('a relay that does not answer in time is not said to be none', async () => {
  const late = vi
    .spyOn(AbortSignal, 'timeout')
    .mockReturnValue(AbortSignal.abort(new DOMException('', 'TimeoutError')))
  const { call } = createApi({ url: 'http://127.0.0.1:1', key: 'a-key' })
  await expect(call('POST', '/v1/subscriptions', {})).rejects.toThrow(
    'http://127.0.0.1:1 did not answer within 30 s: what was to be changed may have been',
  )
  late.mockRestore()
  const broken = new ReadableStream({ pull: () => Promise.reject(new DOMException('', 'TimeoutError')) })
  const begun = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(broken))
  await expect(call('GET', '/v1/tasks')).rejects.toThrow('http://127.0.0.1:1 did not answer within 30 s')
  begun.mockRestore()
})
