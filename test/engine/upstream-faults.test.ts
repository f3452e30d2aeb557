/** CONTRACT §5.3 to §5.5 and the events that Pollhook makes itself: lost, stalled, resumed. */
import { sql } from 'drizzle-orm'
import { expect, it, vi } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import {
  apiOrigin,
  type EngineWorld,
  hour,
  masterOrigin,
  minute,
  newToken,
  openWorld,
  second,
  types,
} from './world.ts'

const statusUrl = `${masterOrigin}/v1/status`
const failed = (reason: 'timeout' | 'network' | 'server_error' | 'redirect' | 'unreadable') =>
  ({ kind: 'failed', reason }) as const
const error = (code: number): StatusAnswer => ({ kind: 'error', code, message: null })

/** The default answers, but for what `fault` makes of a call. */
function breakUpstream(
  world: EngineWorld,
  fault: (origin: string, tokens: readonly string[]) => StatusAnswer | null,
) {
  const honest = world.upstream.answer
  world.upstream.answer = (origin, tokens) => fault(origin, tokens) ?? honest(origin, tokens)
}

const callsOf = (world: EngineWorld, origin: string, from = 0) =>
  world.calls.filter((call) => call.origin === origin && call.at >= from)

it.for(['timeout', 'network', 'server_error', 'redirect', 'unreadable'] as const)(
  'a master that answers with %s: the API host is asked in the same pass',
  async (reason) => {
    const world = openWorld()
    breakUpstream(world, (origin) => (origin === masterOrigin ? failed(reason) : null))
    await world.register({ statusUrl })
    await world.run(second)
    expect(world.calls.map(({ origin }) => origin)).toEqual([masterOrigin, apiOrigin])
    expect(types(world)).toEqual(['task.encoding'])
  },
)

it('a master that does not know some tokens: only those go to the API host', async () => {
  const world = openWorld()
  const inputs = Array.from({ length: 6 }, () => newToken())
  const missing = inputs.slice(0, 2)
  breakUpstream(world, (origin, tokens) =>
    origin === masterOrigin
      ? {
          kind: 'statuses',
          statuses: new Map(
            tokens.filter((t) => !missing.includes(t)).map((t) => [t, { status: 'encoding' }]),
          ),
        }
      : null,
  )
  await Promise.all(inputs.map((taskToken) => world.register({ taskToken, statusUrl })))
  await world.run(second)
  expect([...callsOf(world, apiOrigin)[0]!.tokens].sort()).toEqual([...missing].sort())
  expect(types(world)).toHaveLength(6)
})

it('a master that fails again and again is left alone for longer each time, and its tasks go on', async () => {
  const world = openWorld()
  breakUpstream(world, (origin) => (origin === masterOrigin ? failed('timeout') : null))
  for (let n = 0; n < 10; n++) {
    await world.register({ statusUrl })
    await world.run(3 * second)
  }
  await world.run(10 * minute)
  const probes = callsOf(world, masterOrigin).map(({ at }) => at)
  const waits = probes.slice(1).map((at, i) => at - probes[i]!)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(24 * second)
  expect(callsOf(world, apiOrigin).length).toBeGreaterThan(2 * probes.length)
  expect(types(world)).toHaveLength(10)
  const from = world.elapsed()
  world.upstream.answer = (_origin, tokens) => ({
    kind: 'statuses',
    statuses: new Map(tokens.map((token) => [token, { status: 'encoding' }])),
  })
  await world.run(2 * minute)
  expect(callsOf(world, masterOrigin, from + minute).length).toBeGreaterThan(1)
  expect(callsOf(world, apiOrigin, from + minute)).toEqual([])
})

it('the status_url of an answer is where the task is polled next, if policy allows it', async () => {
  const world = openWorld()
  const taskToken = newToken()
  const evil = { status: 'encoding', status_url: 'https://evil.example.com/v1/status' }
  world.statuses.set(taskToken, evil)
  const { id } = await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding', status_url: statusUrl })
  await world.run(minute)
  expect(world.calls.map(({ origin }) => origin).slice(0, 3)).toEqual([apiOrigin, apiOrigin, masterOrigin])
  await world.change(taskToken, evil)
  await world.run(minute)
  expect(world.calls.at(-1)?.origin).toBe(masterOrigin)
  expect(world.subscription(id).statusUrl).toBe(statusUrl)
})

it('one bad token in a batch of 64 costs O(log n) calls and hurts no other', async () => {
  const world = openWorld()
  const inputs = Array.from({ length: 64 }, () => newToken())
  const bad = inputs[37]!
  breakUpstream(world, (_origin, tokens) => (tokens.includes(bad) ? error(13) : null))
  await Promise.all(inputs.map((taskToken) => world.register({ taskToken })))
  await world.run(second)
  // The whole, then two halves of whatever is spoiled: 1 + 2 log2 64.
  expect(world.calls.length).toBeLessThanOrEqual(13)
  expect(world.sent).toHaveLength(63)
  const from = world.elapsed()
  await world.run(minute)
  const later = world.calls.filter(({ at }) => at >= from)
  const [alone, others] = [true, false].map((isBad) =>
    later.filter(({ tokens }) => tokens.includes(bad) === isBad).map(({ tokens }) => tokens.length),
  )
  expect(new Set(alone)).toEqual(new Set([1]))
  expect(others).not.toEqual([])
  expect(others).not.toContain(1)
})

it('a token that upstream does not know is lost after POLLHOOK_LOST_AFTER, not before', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, null)
  const made = await world.register({ taskToken })
  await world.run(10 * minute)
  expect(types(world)).toEqual([])
  await world.run(minute)
  expect(types(world)).toEqual(['task.lost'])
  expect(world.subscription(made.id).state).toBe('completed')
  const calls = world.calls.length
  await world.run(hour)
  expect(world.calls).toHaveLength(calls)
  world.statuses.set(taskToken, { status: 'encoding' })
  await world.register({ taskToken })
  await world.run(10 * second)
  expect(types(world)).toEqual(['task.lost', 'task.encoding'])
})

it('one answer that knows the token starts the count anew', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding' })
  world.statuses.set(taskToken, null)
  await world.run(9 * minute)
  await world.change(taskToken, { status: 'encoding' })
  world.statuses.set(taskToken, null)
  await world.run(9 * minute)
  expect(types(world)).toEqual(['task.encoding'])
})

it('error 8 with a time is waited out, by every task of that host', async () => {
  const world = openWorld()
  let busy = true
  breakUpstream(world, () => (busy ? { kind: 'busy', retryAfterMs: 2 * minute } : null))
  await world.register()
  await world.run(second)
  busy = false
  const told = world.calls.at(-1)!.at
  await world.register()
  await world.run(5 * minute)
  expect(world.calls[1]!.at - told).toBeGreaterThanOrEqual(2 * minute)
  expect(types(world)).toHaveLength(2)
})

it('any other error backs off and is tried again, and ends nothing', async () => {
  const world = openWorld()
  let broken = true
  breakUpstream(world, () => (broken ? error(1) : null))
  await world.register()
  await world.run(minute)
  expect(types(world)).toEqual([])
  broken = false
  await world.run(2 * minute)
  expect(types(world)).toEqual(['task.encoding'])
})

it('an outage of 5 × the longest wait is told as stalled, its end as resumed', async () => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  await world.register()
  await world.run(10 * second)
  broken = true
  const from = world.elapsed()
  await world.run(20 * minute)
  expect(types(world)).toEqual(['task.encoding', 'task.stalled'])
  const stalledAt = world.sent[1]!.at
  const firstFailed = world.calls.find(({ at }) => at >= from)!.at
  expect(stalledAt - firstFailed).toBeGreaterThanOrEqual(150 * second)
  broken = false
  await world.run(2 * minute)
  expect(types(world)).toEqual(['task.encoding', 'task.stalled', 'task.resumed'])
})

it.each([
  [['*'], ['task.stalled', 'task.resumed']],
  [
    ['task.stalled', 'task.resumed'],
    ['task.stalled', 'task.resumed'],
  ],
  [['task.encoding'], ['task.encoding']],
])('an outage before the first event of %j is told to its end', async (events, told) => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  const earlier = await world.register()
  await world.run(10 * second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, earlier.id))
  broken = true
  const made = await world.register({ taskToken: earlier.taskToken, events })
  await world.run(20 * minute)
  broken = false
  await world.run(2 * minute)
  const sent = world.sent.filter(({ subscriptionId }) => subscriptionId === made.id)
  expect(sent.map(({ type }) => type)).toEqual(told)
  expect(new Set(sent.map(({ id }) => id)).size).toBe(told.length)
})

it('a task that was given up while it stalled stalls again for who comes next', async () => {
  const world = openWorld()
  breakUpstream(world, () => failed('network'))
  const earlier = await world.register()
  await world.run(20 * minute)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, earlier.id))
  await world.run(hour)
  const made = await world.register({ taskToken: earlier.taskToken })
  await world.run(20 * minute)
  const sent = world.sent.filter(({ subscriptionId }) => subscriptionId === made.id)
  expect(sent.map(({ type }) => type)).toEqual(['task.stalled'])
})

it('time in which the relay itself was down makes no stall', async () => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  await world.register()
  await world.run(10 * second)
  broken = true
  await world.run(minute)
  world.crash()
  await world.run(hour)
  world.start()
  await world.run(minute)
  expect(types(world)).toEqual(['task.encoding'])
  broken = false
  await world.run(2 * minute)
  expect(types(world)).not.toContain('task.stalled')
})

it('a poll that changes nothing writes nothing, and a snapshot that cannot be written fails alone', async () => {
  let writes = 0
  let refuse: string | null = null
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        recordPoll(results, ...rest) {
          writes++
          if (results.some(({ token }) => token === refuse)) throw new Error('string or blob too big')
          return store.recordPoll(results, ...rest)
        },
      }),
    },
  )
  const tokens = [newToken(), newToken(), newToken()]
  await Promise.all(tokens.map((taskToken) => world.register({ taskToken })))
  await world.run(second)
  const before = writes
  await world.run(5 * minute)
  expect(writes).toBe(before)
  refuse = tokens[1]!
  for (const token of tokens) world.statuses.set(token, { status: 'completed' })
  await world.run(2 * minute)
  expect(types(world).filter((type) => type === 'task.completed')).toHaveLength(2)
  refuse = null
  await world.run(2 * minute)
  expect(types(world).filter((type) => type === 'task.completed')).toHaveLength(3)
})

it('a task that was cancelled while its call waited for the API host has not failed when it is registered anew', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '1' })
  const [taskToken, other] = [newToken(), newToken()]
  const held = Promise.withResolvers<StatusAnswer>()
  world.upstream.answer = (origin) => (origin === masterOrigin ? failed('network') : held.promise)
  await world.register({ taskToken: other })
  await world.run(second)
  const first = await world.register({ taskToken, statusUrl })
  await world.run(second)
  expect(callsOf(world, masterOrigin)).toHaveLength(1)
  const { relay } = world
  await world.after(relay().commands.cancelSubscription(world.ownerId, first.id))
  await world.register({ taskToken })
  held.resolve({ kind: 'statuses', statuses: new Map([[other, { status: 'encoding' }]]) })
  await world.run(100)
  expect(types(world)).toEqual(['task.encoding'])
  expect(relay().store.watchesOf([taskToken]).get(taskToken)!.failingSince).toBeNull()
})

it('what queued at a master before it was known to be down is asked for at the API host', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const all = await Promise.all(
    Array.from({ length: 6 }, () => world.register({ statusUrl, expiresInMs: minute })),
  )
  await world.run(50 * second)
  for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
  breakUpstream(world, (origin) => (origin === masterOrigin ? failed('network') : null))
  await world.run(5 * minute)
  for (const one of all) {
    expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  }
})

it('nobody expires without a last poll while upstream asks to be left alone', async () => {
  const world = openWorld()
  const one = await world.register({ expiresInMs: minute })
  await world.run(40 * second)
  let isBusy = true
  breakUpstream(world, () => (isBusy ? { kind: 'busy', retryAfterMs: 30 * second } : null))
  await world.register()
  await world.run(12 * second)
  isBusy = false
  world.statuses.set(one.taskToken, { status: 'completed' })
  await world.run(5 * minute)
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
})

it.for([5 * second, hour])(
  'an expiry waits for a last poll no longer than upstream may be away before a task is stalled, told to wait %i ms',
  async (retryAfterMs) => {
    const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '10s' })
    const one = await world.register({ expiresInMs: minute })
    await world.run(40 * second)
    breakUpstream(world, () => ({ kind: 'busy', retryAfterMs }))
    await world.run(3 * minute)
    expect(world.deliveries(one).at(-1)?.type).toBe('task.expired')
  },
)

it('an expiry that waits for its last poll keeps no stall from the others of its task', async () => {
  const world = openWorld()
  const one = await world.register({ expiresInMs: 2 * minute })
  const other = await world.register({ taskToken: one.taskToken, callbackUrl: `${one.callbackUrl}/other` })
  await world.run(10 * second)
  breakUpstream(world, () => ({ kind: 'busy', retryAfterMs: hour }))
  await world.run(3 * minute + 40 * second)
  expect(world.deliveries(other).map(({ type }) => type)).toEqual(['task.encoding', 'task.stalled'])
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.stalled'])
  await world.run(minute)
  expect(world.deliveries(one).at(-1)?.type).toBe('task.expired')
})

it.for([5, 10, 15, 20, 30])(
  'an outage of calls that time out is told as stalled, polled every %i s at most',
  async (seconds) => {
    const world = openWorld({ POLLHOOK_POLL_INTERVAL: '5s', POLLHOOK_POLL_INTERVAL_MAX: `${seconds}s` })
    const one = await world.register({ statusUrl })
    await world.run(5 * second)
    world.upstream.answer = () => world.later(20 * second, failed('timeout'))
    await world.run(6 * minute)
    expect(world.deliveries(one).at(-1)?.type).toBe('task.stalled')
  },
)

it('a stall is not counted over the time the relay was down, however short the waits are', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL: '5s', POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  const one = await world.register()
  await world.run(6 * second)
  breakUpstream(world, () => failed('network'))
  await world.run(15 * second)
  world.crash()
  await world.run(40 * second)
  world.start()
  await world.run(6 * second)
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
  await world.run(30 * second)
  expect(world.deliveries(one).at(-1)?.type).toBe('task.stalled')
})

it('a call that the end of the relay cuts off is no failure of upstream, and what is answered still counts', async () => {
  const world = openWorld()
  const calls = new Map<string, (answer: StatusAnswer) => void>()
  world.upstream.answer = (origin) => new Promise((resolve) => calls.set(origin, resolve))
  const cut = await world.register({ statusUrl })
  const answered = await world.register()
  await world.run(second)
  const relay = world.relay()
  const stopped = relay.stop()
  relay.cutOff()
  const statuses = new Map([[answered.taskToken, { status: 'encoding' }]])
  calls.get(apiOrigin)!({ kind: 'statuses', statuses })
  calls.get(masterOrigin)!(failed('network'))
  // Its fallback in the same pass.
  await world.run(second)
  calls.get(apiOrigin)!(failed('network'))
  await world.after(stopped)
  expect(relay.store.watch(cut.taskToken)?.failingSince).toBeNull()
  expect(world.db.all(sql`select value from meta where key = 'upstream_failure_seen_at'`)).toEqual([])
  expect(relay.store.watch(answered.taskToken)?.status).toBe('encoding')
})

it.for([{ percent: 10 }, {}, { status: null, percent: 0 }, { status: 'None' }])(
  'a lost task that is registered again is not lost while upstream knows it without a status: %o',
  async (answer) => {
    const world = openWorld({ POLLHOOK_LOST_AFTER: '30s' })
    const { taskToken } = await world.register()
    await world.run(5 * second)
    await world.change(taskToken, null)
    await world.run(3 * minute)
    expect(types(world).at(-1)).toBe('task.lost')
    world.statuses.set(taskToken, answer)
    const again = await world.register({ taskToken })
    await world.run(3 * minute)
    expect(world.deliveries(again)).toEqual([])
    await world.change(taskToken, { status: 'encoding', percent: 20 })
    expect(world.deliveries(again).map(({ type }) => type)).toEqual(['task.encoding'])
  },
)

it("however many masters know nothing, the API host's own tasks are asked for, and theirs too", async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '2' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === apiOrigin
      ? world.later(2 * second, await answer(origin, tokens))
      : world.later(100, { kind: 'statuses', statuses: new Map() })
  const theirs = Array.from({ length: 100 }, (_, n) =>
    world.register({ statusUrl: `https://master-${n}.qencode.com/v1/status` }),
  )
  await Promise.all(theirs)
  await world.run(minute)
  const from = world.elapsed()
  const { taskToken } = await world.register()
  await world.run(5 * minute)
  const polls = callsOf(world, apiOrigin, from).filter(({ tokens }) => tokens.includes(taskToken))
  expect(polls.length).toBeGreaterThanOrEqual(8)
  // A place that is free goes to a fallback at once.
  expect(callsOf(world, apiOrigin, from).length).toBeGreaterThanOrEqual(280)
})

it('whoever names very many hosts has no more than 64 of them called at once; the API host is asked for the others', async () => {
  const world = openWorld()
  const { answer } = world.upstream
  let inFlight = 0
  let most = 0
  world.upstream.answer = async (origin, tokens) => {
    if (origin === apiOrigin) return answer(origin, tokens)
    most = Math.max(most, ++inFlight)
    const given = await world.later(10 * second, answer(origin, tokens))
    inFlight--
    return given
  }
  const made = Array.from({ length: 200 }, (_, n) =>
    world.register({ statusUrl: `https://master-${n}.qencode.com/v1/status` }),
  )
  await Promise.all(made)
  await world.run(15 * second)
  expect(most).toBe(64)
  expect(types(world)).toEqual(Array(200).fill('task.encoding'))
  expect(callsOf(world, apiOrigin).length).toBeLessThanOrEqual(6)
})

it('a place at a master is free while the API host is asked for what the master does not know', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === apiOrigin
      ? world.later(10 * second, await answer(origin, tokens))
      : world.later(second, { kind: 'statuses', statuses: new Map() })
  await Promise.all([world.register({ statusUrl }), world.register({ statusUrl })])
  await world.run(2 * second)
  expect(callsOf(world, masterOrigin)).toHaveLength(2)
})

it.each([1, 15])(
  'calls that leave one by one and fail after %d ms, within a look, are one failure',
  async (answerMs) => {
    const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
    let failing = true
    const { answer } = world.upstream
    world.upstream.answer = async (origin, tokens) =>
      world.later(answerMs, failing ? failed('network') : await answer(origin, tokens))
    await Promise.all(Array.from({ length: 4 }, () => world.register()))
    while (world.calls.length === 0) await world.run(1)
    await world.run(35)
    expect(world.calls.length).toBeGreaterThan(2)
    failing = false
    const from = world.elapsed()
    const { taskToken } = await world.register()
    await world.run(second)
    // A host that failed twice would be left alone for an interval.
    expect(callsOf(world, apiOrigin, from).flatMap(({ tokens }) => tokens)).toContain(taskToken)
  },
)

it('a host whose calls time out is left alone after the second, which leaves as the first is over', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === masterOrigin ? world.later(20 * second, failed('timeout')) : answer(origin, tokens)
  await Promise.all(Array.from({ length: 5 }, () => world.register({ statusUrl })))
  await world.run(41 * second)
  expect(callsOf(world, masterOrigin)).toHaveLength(2)
  expect(types(world)).toHaveLength(5)
})

it.for([
  ['error 1', error(1)],
  ['429', { kind: 'busy', retryAfterMs: null }],
  ['429 with Retry-After', { kind: 'busy', retryAfterMs: 30 * second }],
] as const)(
  'the tasks of a master that answers %s all the time are asked for at the API host',
  async ([, answer]) => {
    const world = openWorld()
    const all = await Promise.all(Array.from({ length: 3 }, () => world.register({ statusUrl })))
    await world.run(minute)
    breakUpstream(world, (origin) => (origin === masterOrigin ? answer : null))
    await world.run(hour)
    for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
    await world.run(minute)
    for (const one of all)
      expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  },
)

it('a host that fails again and again is told of once, with what it says, and so is its return', async () => {
  const said: [message: string, fields?: Record<string, unknown>][] = []
  const note = (...line: (typeof said)[number]) => {
    if (line[0].startsWith('upstream')) said.push(line)
  }
  const world = openWorld({}, { log: { debug() {}, info: note, warn: note, error: note } })
  let isBroken = true
  breakUpstream(world, () => (isBroken ? { kind: 'error', code: 1, message: 'no such account' } : null))
  await world.register()
  await world.run(5 * minute)
  const why = { origin: apiOrigin, outcome: 'error', code: 1, message: 'no such account' }
  expect(said).toEqual([['upstream fails', why]])
  isBroken = false
  await world.run(5 * minute)
  expect(said.slice(1)).toEqual([['upstream answers again', { origin: apiOrigin }]])
})

it('one failed call is no news for the log', async () => {
  const warn = vi.fn()
  const world = openWorld({}, { log: { debug() {}, info() {}, warn, error() {} } })
  await world.register()
  await world.run(minute)
  let calls = 0
  breakUpstream(world, () => (++calls === 1 ? failed('timeout') : null))
  await world.run(5 * minute)
  expect(calls).toBeGreaterThan(2)
  expect(warn).not.toHaveBeenCalled()
})
