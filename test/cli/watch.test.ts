/** `pollhook watch` in a process of its own, against a whole relay in this one. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStage, type Stage } from '../../src/cli/demo-stage.ts'
import { pollhook, type RunOptions } from './run.ts'

let stage: Stage
beforeAll(async () => {
  stage = await createStage({ speed: 30, onLog: () => {}, onWebhook: () => {} })
})
afterAll(() => stage.stop())

function watch(args: string[], options: RunOptions = {}) {
  const env = { POLLHOOK_URL: stage.relayUrl, POLLHOOK_KEY: stage.apiKey }
  return pollhook(['watch', ...args], { env, ...options })
}

async function subscriptionsOf(token: string): Promise<{ state: string }[]> {
  const response = await fetch(`${stage.relayUrl}/v1/subscriptions?task_token=${token}`, {
    headers: { authorization: `Bearer ${stage.apiKey}` },
  })
  return ((await response.json()) as { data: { state: string }[] }).data
}

test('tasks that all complete end it with code 0, a line per event', async () => {
  const first = stage.simulator.createJob().taskToken
  const second = stage.simulator.createJob().taskToken
  const { code, out, err } = await watch([first, second, first])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const token of [first, second]) {
    expect(out.match(new RegExp(`^${token}  100\\.0%  seq \\d+  completed$`, 'gm'))).toHaveLength(1)
  }
})

test('a task that fails ends it with code 2 and says why', async () => {
  const { taskToken } = stage.simulator.createJob({ fails: { at: 0.2, description: 'no audio track' } })
  const { code, out } = await watch([taskToken, '--json'])
  expect(code).toBe(2)
  const last = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as unknown
  expect(last).toMatchObject({ type: 'task.failed', data: { error: { description: 'no audio track' } } })
})

test('a subscription that is there is followed and left alone', async () => {
  const { taskToken, statusUrl } = stage.simulator.createJob({ durationMs: 3_600_000 })
  await stage.register({ task_token: taskToken, status_url: statusUrl, callback_url: stage.receiverUrl })
  expect((await watch([taskToken], { signal: { at: 'seq 1', name: 'SIGINT' } })).code).toBe(130)
  expect(await subscriptionsOf(taskToken)).toMatchObject([{ state: 'active' }])
})

test('--status-url is given to a subscription that is there, as it belongs to the task', async () => {
  const changes: string[] = []
  const relay = createServer(async (request, response) => {
    const body = await text(request)
    if (request.method === 'PATCH') changes.push(`${request.url} ${body}`)
    // Nothing more to come.
    if (request.url?.endsWith('/events')) return response.writeHead(204).end()
    response.writeHead(200, { 'content-type': 'application/json' })
    return response.end('{"data":[{"id":"sub_1"}],"next_cursor":null}')
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`
  const statusUrl = 'https://master-1.qencode.com/v1/status'
  const { code, err } = await watch(['a'.repeat(32), '--url', url, '--status-url', statusUrl])
  await new Promise((resolve) => relay.close(resolve))
  expect(code).toBe(2)
  expect(err).toContain('is no longer watched: its last subscription expired or was cancelled')
  expect(changes).toEqual([`/v1/subscriptions/sub_1 {"status_url":"${statusUrl}"}`])
})

test.each([
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s ends it with code %i and cancels the subscription that it made', async (name, expected) => {
  const { taskToken } = stage.simulator.createJob({ durationMs: 3_600_000 })
  const { code } = await watch([taskToken], { signal: { at: 'seq 1', name } })
  expect(code).toBe(expected)
  expect(await subscriptionsOf(taskToken)).toMatchObject([{ state: 'cancelled' }])
})

test('a reader that goes away ends it with code 141 and cancels the subscription that it made', async () => {
  const { taskToken } = stage.simulator.createJob({ durationMs: 600_000 })
  const { code, err } = await watch([taskToken], { leaveAt: 'seq 1' })
  expect({ code, err }).toEqual({ code: 141, err: '' })
  expect(await subscriptionsOf(taskToken)).toMatchObject([{ state: 'cancelled' }])
})

test('an odd token is refused, and a relay that does not deliver to loopback asks for --callback', async () => {
  const odd = await watch(['XYZ'])
  expect(odd.code).toBe(1)
  expect(odd.err).toContain('A task token is 32 hex digits')

  const strict = createServer((request, response) => {
    const refused = request.method === 'POST'
    response.writeHead(refused ? 400 : 200, { 'content-type': 'application/json' })
    response.end(refused ? '{"code":"callback_not_allowed","title":"no"}' : '{"data":[],"next_cursor":null}')
  })
  await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(strict.address() as AddressInfo).port}`
  const { code, err } = await watch(['a'.repeat(32), '--url', url])
  await new Promise((resolve) => strict.close(resolve))
  expect(code).toBe(1)
  expect(err).toContain('with --callback')
})
