/** The commands that call a running relay, each in a process of its own, against a whole relay in this one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStage, type Stage } from '../../src/cli/demo-stage.ts'
import { pollhook, type Run } from './run.ts'

let stage: Stage
let taskToken: string
beforeAll(async () => {
  const ended = Promise.withResolvers<void>()
  stage = await createStage({
    speed: 60,
    onLog: () => {},
    onWebhook: ({ event }) => event?.type === 'task.completed' && ended.resolve(),
  })
  const job = stage.simulator.createJob()
  taskToken = job.taskToken
  await stage.register({
    task_token: taskToken,
    status_url: job.statusUrl,
    callback_url: stage.receiverUrl,
    metadata: { job: 'one' },
  })
  await ended.promise
  // One more delivery: where time is short, a poll may have met nothing of the first job but its end.
  await stage.register({ task_token: taskToken, callback_url: `${stage.receiverUrl}?again` })
})
afterAll(() => stage.stop())

function call(...args: string[]): Promise<Run> {
  return pollhook(args, { env: { POLLHOOK_URL: stage.relayUrl, POLLHOOK_KEY: stage.apiKey } })
}

async function read<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await call(...args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out) as T
}

interface Listed {
  data: { id: string; type?: string; state: string }[]
  next_cursor: string | null
}

test('subscriptions are a table, or the API’s JSON, or one of them', async () => {
  const table = await call('subscriptions')
  expect(table.code).toBe(0)
  expect(table.out).toMatch(/^ID +TASK +STATE +STATUS +PERCENT +SEQ +CALLBACK\n/)
  expect(table.out).toMatch(new RegExp(`sub_\\S+ +${taskToken} +completed +completed +100\\.0% `))
  const { data } = await read<Listed>('subscriptions', '--json', '--task', taskToken)
  const id = data[0]?.id ?? ''
  expect(await read('subscriptions', id)).toMatchObject({ id, task_token: taskToken })
  expect((await call('subscriptions', '--state', 'paused')).out).toBe('None.\n')
})

test('deliveries come page by page, and one has its payload', async () => {
  const first = await call('deliveries', '--limit', '1')
  const cursor = /More with --cursor (\S+)/.exec(first.out)?.[1] ?? ''
  const { data } = await read<Listed>('deliveries', '--limit', '1', '--cursor', cursor, '--json')
  expect(data).toHaveLength(1)
  expect(first.out).not.toContain(data[0]?.id)
  expect(await read('deliveries', data[0]?.id ?? '')).toMatchObject({
    payload: { data: { task_token: taskToken } },
  })
})

test('a delivery is sent again by its id, and --exhausted counts', async () => {
  const { data } = await read<Listed>('deliveries', '--type', 'task.completed', '--json')
  const id = data[0]?.id ?? ''
  const again = await call('redeliver', id)
  expect(again.code).toBe(0)
  expect(again.out).toContain(`${id} is pending again: task.completed of ${taskToken}`)
  expect(await read('redeliver', '--exhausted', '--dry-run', '--json')).toEqual({ count: 0 })
})

test.each([
  [['redeliver', '--exhausted', '--dry-run', '--endpoint', 'https://app.example.com'], 'begins with ep_'],
  [['redeliver', '--exhausted', '--dry-run', '--subscription', 'dlv_1'], 'begins with sub_'],
  [['deliveries', '--subscription', 'nope'], 'begins with sub_'],
  [['subscriptions', '--task', 'foo'], 'A task token is 32 hex digits'],
])('%j is not answered as if there were nothing', async (args, said) => {
  const { code, out, err } = await call(...args)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain(said)
})

test('an id that there is not is named, and the others are sent all the same', async () => {
  const { data } = await read<Listed>('deliveries', '--type', 'task.completed', '--json')
  const id = data[0]?.id ?? ''
  const { code, out, err } = await call('redeliver', 'dlv_bad', id)
  expect(code).toBe(1)
  expect(err).toMatch(/^error: dlv_bad: You have no such delivery \(404 not_found, .*\)\n$/)
  expect(out).toBe(`${id} is pending again: task.completed of ${taskToken}\n`)
})

test('a filter beside ids is refused, and nothing is sent: least of all with --dry-run', async () => {
  const { data } = await read<Listed>('deliveries', '--state', 'delivered', '--json')
  const id = data[0]?.id ?? ''
  const { code, out, err } = await call('redeliver', id, '--dry-run', '--endpoint', 'ep_x')
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toBe('error: --endpoint, --dry-run: only with --exhausted, not with ids\n')
  expect(await read('deliveries', id)).toMatchObject({ state: 'delivered' })
})

test('an endpoint is listed, paused, limited and resumed', async () => {
  const { data } = await read<Listed>('endpoints', '--json')
  const id = data[0]?.id ?? ''
  const limits = ['--max-concurrency', '3', '--max-per-second', '0.5']
  expect(await read('endpoints', id, '--pause', ...limits)).toMatchObject({
    paused: true,
    max_concurrency: 3,
    max_per_second: 0.5,
  })
  expect((await call('endpoints')).out).toMatch(/healthy +\d+ .*paused\n$/)
  expect(await read('endpoints', id, '--resume', '--max-per-second', 'none')).toMatchObject({
    paused: false,
    max_per_second: null,
  })
})

test('the signing secret is alone on stdout, also once another follows it', async () => {
  const first = await call('signing-secret')
  expect(first).toMatchObject({ code: 0, err: '' })
  const second = await call('signing-secret', '--rotate', '--overlap', '3600')
  expect(second.out).toMatch(/^whsec_\S+\n$/)
  expect(second.out).not.toBe(first.out)
  const until = /^One before it signs as well until (\S+): --json shows it\.\n$/.exec(second.err)?.[1] ?? ''
  const { secrets } = await read<{ secrets: object[] }>('signing-secret', '--json')
  expect(secrets).toEqual([
    { secret: second.out.trimEnd(), expires_at: null },
    { secret: first.out.trimEnd(), expires_at: until },
  ])
  expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(3_600_000)
})

test.each([
  [['subscriptions', 'sub_nothing'], '404 not_found'],
  [['signing-secret', '--overlap', '60'], '--overlap: only with --rotate'],
  [['signing-secret', '--rotate', '--overlap', '604801'], 'Give a whole number from 0 to 604800'],
  [['deliveries', '--state', 'odd'], 'state must be one of'],
  [['subscriptions', '--key', 'not-the-key'], 'the key was refused: check POLLHOOK_KEY'],
  [['endpoints', '--pause'], 'name the endpoint to change'],
  [['endpoints', 'ep_x'], 'Give --pause, --resume'],
  [['redeliver'], 'nothing to redeliver: give ids (dlv_…), or --exhausted'],
  [['redeliver', 'dlv_x', '--exhausted'], 'not both'],
  [['endpoints', 'ep_x', '--pause', '--resume'], 'cannot be used with'],
])('%j ends with code 1 and says what to do', async (args, advice) => {
  const { code, out, err } = await call(...args)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toContain(advice)
})

test('without a key, or without a relay, the error says what to do', async () => {
  const keyless = await pollhook(['endpoints'])
  expect(keyless.code).toBe(1)
  expect(keyless.err).toContain('set POLLHOOK_KEY, or give --key')
  // The simulator answers, but is no Pollhook.
  const elsewhere = await pollhook(['endpoints', '--url', stage.simulator.url, '--key', 'any'])
  expect(elsewhere.code).toBe(1)
  expect(elsewhere.err).toContain('is this a Pollhook?')
})
