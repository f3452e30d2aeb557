/** What becomes of flags in the call of the API, and of its answer on the two streams, without a process and a relay. */
import type { Command } from 'commander'
import { afterEach, expect, test, vi } from 'vitest'
import { deliveriesCommand, redeliverCommand } from '../../src/cli/deliveries.ts'
import { endpointsCommand } from '../../src/cli/endpoints.ts'
import { signingSecretCommand } from '../../src/cli/signing-secret.ts'
import { subscriptionsCommand } from '../../src/cli/subscriptions.ts'

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

async function run(command: Command, flags: string, ...answers: Response[]) {
  const told = { asked: [] as unknown[], out: '', err: '' }
  const listen = (stream: 'out' | 'err') => (text: unknown) => {
    told[stream] += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(listen('out'))
  vi.spyOn(process.stderr, 'write').mockImplementation(listen('err'))
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    told.asked.push(`${init?.method} ${String(url).replace('http://relay', '')}`)
    if (init?.body != null) told.asked.push(JSON.parse(String(init.body)))
    return answers.shift() ?? Response.json({ data: [], next_cursor: null, count: 1, id: 'ep_1' })
  })
  const argv = [...(flags.match(/\S+/g) ?? []), '--url', 'http://relay', '--key', 'a-key']
  await command.parseAsync(argv, { from: 'user' })
  return told
}

const token = '471272a512d76c22665db9dcee893409'

test.each([
  [
    'subscriptions',
    subscriptionsCommand,
    `--task ${token} --state paused --callback-url https://app.example.com/ --limit 7 --cursor c7`,
    [
      `GET /v1/subscriptions?task_token=${token}&state=paused&callback_url=https%3A%2F%2Fapp.example.com%2F&limit=7&cursor=c7`,
    ],
  ],
  [
    'deliveries',
    deliveriesCommand,
    '--subscription sub_1 --state exhausted --type task.failed',
    ['GET /v1/deliveries?subscription_id=sub_1&state=exhausted&type=task.failed&limit=50'],
  ],
  [
    'redeliver',
    redeliverCommand,
    '--exhausted --since 2026-11-23T10:00:00Z --until 2026-11-24T10:00:00Z --subscription sub_1 --endpoint ep_1 --dry-run',
    [
      'POST /v1/deliveries/redeliver',
      {
        state: 'exhausted',
        since: '2026-11-23T10:00:00Z',
        until: '2026-11-24T10:00:00Z',
        subscription_id: 'sub_1',
        endpoint: 'ep_1',
        dry_run: true,
      },
    ],
  ],
  [
    'endpoints',
    endpointsCommand,
    'ep_1 --max-concurrency none --max-per-second none',
    ['PATCH /v1/endpoints/ep_1', { max_concurrency: null, max_per_second: null }],
  ],
])('%s: every flag is in the call', async (_name, make, flags, asked) => {
  expect((await run(make(), flags)).asked).toEqual(asked)
})

test('a delivery that ended says why in its row', async () => {
  const data = [
    { id: 'dlv_1', type: 'task.failed', state: 'exhausted', state_reason: 'endpoint_unavailable' },
  ]
  const { out } = await run(deliveriesCommand(), '--limit 1', Response.json({ data, next_cursor: null }))
  expect(out).toContain('exhausted (endpoint_unavailable)')
})

test('a delivery that cannot be sent again is named, and the others are sent all the same', async () => {
  const problem = { code: 'conflict', detail: 'It is cancelled.', request_id: 'r1' }
  const refused = Response.json(problem, { status: 409 })
  const sent = Response.json({ state: 'pending', type: 'task.failed', task_token: token })
  const { asked, err } = await run(redeliverCommand(), 'dlv_1 dlv_2', refused, sent)
  expect(asked).toEqual(['dlv_1', 'dlv_2'].map((id) => `POST /v1/deliveries/${id}/redeliver`))
  expect(err).toBe('error: dlv_1: It is cancelled (409 conflict, request r1)\n')
  expect(process.exitCode).toBe(1)
})

test('a secret of a POLLHOOK_SECRET that is being replaced signs for nobody knows how long', async () => {
  const secrets = ['whsec_new', 'whsec_old'].map((secret) => ({ secret, expires_at: null }))
  expect(await run(signingSecretCommand(), '', Response.json({ secrets }))).toMatchObject({
    out: 'whsec_new\n',
    err: 'One before it signs as well: --json shows it.\n',
  })
})
