/**
 * The whole relay against an upstream that may answer anything: no answer stops it, and no end is recorded that
 * upstream did not report. After the garbage upstream answers honestly, and every task must then reach its end.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, newToken, type Subscription, until } from '../contract/subject.ts'
import { type Answer, type FuzzedRelay, startFuzzedRelay, statuses } from './relay.ts'

interface TaskDetail {
  status: string | null
  ended_at: string | null
  error: { code: number } | null
  transitions: { type: string }[]
}

const seed = 20_261_124
const ends = ['task.completed', 'task.failed', 'task.cancelled', 'task.lost', 'task.expired']

const word = fc.oneof(
  fc.constantFrom(
    'encoding',
    'queued',
    'saving',
    'completed',
    'SAVED',
    'error',
    'Canceled',
    'None',
    ' encoding',
  ),
  fc.constantFrom(
    'lost',
    'expired',
    'stalled',
    'resumed',
    'progress',
    'unknown',
    '__proto__',
    'constructor',
    '\0',
  ),
  fc.string({ unit: 'binary' }),
)
const anything = fc.oneof(word, fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }))
const percent = fc.oneof(
  fc.double(),
  fc.constantFrom<unknown>('42.5', 'NaN', '1e999', 1e308, -1e308, -0, 5e-324, 'None', null, '٤٢', [50], ''),
)
const statusUrl = fc.constantFrom<unknown>(
  ...[
    'http://169.254.169.254/v1/status',
    'http://127.0.0.1:1/v1/status',
    'file:///etc/passwd',
    'None',
    '',
    7,
    {},
  ],
)

/** A status object of which every key may be missing or of any type. */
const entry: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        status: fc.oneof(word, anything),
        percent: fc.oneof(percent, anything),
        error: fc.constantFrom<unknown>(0, '0', null, false, 1, '13', 5, true, 'x', [], {}),
        error_description: anything,
        status_url: statusUrl,
        videos: anything,
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: anything },
)

/** What the contract (§3, §5) lets an entry end a task with; null for none. */
function endOf(given: unknown): string | null {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return null
  const { status, error } = given as Record<string, unknown>
  const text = typeof status === 'string' ? status.trim().toLowerCase() : 'none'
  const code = ['number', 'string', 'boolean'].includes(typeof error) ? Number(error) : 0
  if (code !== 0 && !Number.isNaN(code)) {
    const tokenNotKnown = text === 'none' && (code === 5 || code === 13)
    return tokenNotKnown ? null : 'task.failed'
  }
  if (text === 'completed' || text === 'saved') return 'task.completed'
  if (text === 'error' || text === 'failed') return 'task.failed'
  return text === 'canceled' || text === 'cancelled' ? 'task.cancelled' : null
}

let relay: FuzzedRelay

beforeAll(async () => {
  relay = await startFuzzedRelay()
})

afterAll(() => relay.close())

async function registerAll(tokens: readonly string[]): Promise<void> {
  const subscriptions = tokens.map((token) => ({ task_token: token, callback_url: relay.callbackUrl }))
  const response = await relay.request('/v1/subscriptions/batch', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subscriptions }),
  })
  const { results } = await json<{ results: { status: number; subscription: Subscription }[] }>(response)
  expect(results.map(({ status }) => status)).toEqual(tokens.map(() => 201))
}

const taskOf = (token: string) => json<TaskDetail>(relay.request(`/v1/tasks/${token}`))

async function endedTask(token: string): Promise<TaskDetail> {
  await until(async () => (await taskOf(token)).ended_at !== null)
  return taskOf(token)
}

const endsIn = ({ transitions }: TaskDetail) =>
  transitions.map(({ type }) => type).filter((type) => ends.includes(type))

describe('whatever upstream says', () => {
  test('of single tasks, each ends once, as upstream said first', async () => {
    const sequences = fc.array(fc.array(entry, { minLength: 1, maxLength: 3 }), {
      minLength: 20,
      maxLength: 40,
    })
    const property = fc.asyncProperty(sequences, async (given) => {
      const scripts = new Map(given.map((entries) => [newToken(), entries]))
      const asked = new Map<string, number>()
      relay.script.answer = (tokens) =>
        statuses(tokens, (token) => {
          const time = asked.get(token) ?? 0
          asked.set(token, time + 1)
          const entries = scripts.get(token) ?? []
          return time < entries.length ? entries[time] : { status: 'completed' }
        })
      await registerAll([...scripts.keys()])
      for (const [token, entries] of scripts) {
        const expected = entries.map(endOf).find((end) => end !== null) ?? 'task.completed'
        expect([entries, endsIn(await endedTask(token))]).toEqual([entries, [expected]])
      }
    })
    await fc.assert(property, { seed, numRuns: 8 })
  })

  test('in place of an answer, no task ends by it, and all end by the next honest one', async () => {
    const body = fc.oneof(
      fc.json({ maxDepth: 3, stringUnit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom('', '{', '[]', 'null', '{"error":0}', '{"error":0,"statuses":[]}', '['.repeat(50_000)),
      fc.constantFrom(
        '{"error":0,"statuses":{"__proto__":{"status":"completed"}}}',
        '<html>502</html>',
        '\ufeff',
      ),
      fc.constantFrom('{"error":1,"message":null}', '{"error":13}', '{"error":"5"}', '{"error":1e999}'),
      anything.map((statusesValue) => JSON.stringify({ error: 0, statuses: statusesValue })),
    )
    const reply = fc.record({ status: fc.constantFrom(200, 200, 200, 204, 302, 400, 404, 500), body })
    const property = fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 3 }), async (replies) => {
      const tokens = [newToken(), newToken(), newToken()]
      const garbage = [...replies]
      const honest: Answer = (asked) => statuses(asked, () => ({ status: 'completed' }))
      relay.script.answer = (asked) => garbage.shift() ?? honest(asked)
      await registerAll(tokens)
      for (const token of tokens) expect(endsIn(await endedTask(token))).toEqual(['task.completed'])
    })
    await fc.assert(property, { seed, numRuns: 12 })
  })

  test('the relay still runs and has logged no error', async () => {
    expect((await relay.request('/readyz')).status).toBe(200)
    expect(relay.errors).toEqual([])
  })
})
