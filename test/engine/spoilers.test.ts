/** CONTRACT §5.4, "only that one suffers": what tokens that spoil a whole call cost the others. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { createRng } from '../sim/random.ts'
import { type EngineWorld, hour, masterOrigin, minute, newToken, openWorld, second } from './world.ts'

const refused: StatusAnswer = { kind: 'error', code: 13, message: null }
const knownToNobody: StatusAnswer = { kind: 'statuses', statuses: new Map() }
const statusUrl = `${masterOrigin}/v1/status`

/** Upstream takes its time, and gives `spoiled` to each call that holds one of `spoilers`. */
function spoilCalls(world: EngineWorld, spoilers: ReadonlySet<string>, latencyMs: number, spoiled = refused) {
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    const isSpoiled = tokens.some((token) => spoilers.has(token))
    return world.later(latencyMs, isSpoiled ? spoiled : await honest(origin, tokens))
  }
}

const register = (world: EngineWorld, tokens: Iterable<string>) =>
  Promise.all([...tokens].map((taskToken) => world.register({ taskToken })))

const newTokens = (count: number) => new Set(Array.from({ length: count }, newToken))
const endOf = (world: EngineWorld, one: { id: string }) =>
  world.sent.find(({ subscriptionId, type }) => subscriptionId === one.id && type === 'task.completed')

it.for(['4', '1'])(
  'however many bad tokens there are, the others are polled as ever, %s calls at once',
  async (concurrency) => {
    const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: concurrency })
    const bad = newTokens(400)
    spoilCalls(world, bad, 500)
    const good = await world.register()
    await world.run(3 * minute)
    await register(world, bad)
    for (const _ of [1, 2]) {
      const from = world.elapsed()
      await world.run(5 * minute)
      const polls = world.calls.filter(({ at, tokens }) => at >= from && tokens.includes(good.taskToken))
      expect(polls.length).toBeGreaterThanOrEqual(8)
    }
    const from = world.elapsed()
    world.statuses.set(good.taskToken, { status: 'completed' })
    await world.run(minute)
    expect(endOf(world, good)!.at - from).toBeLessThan(40 * second)
  },
)

it('bad tokens are told apart and asked alone by half of the calls at most', async () => {
  const world = openWorld()
  const bad = newTokens(200)
  spoilCalls(world, bad, 500)
  await register(world, bad)
  await world.run(10 * minute)
  const parts = world.calls.filter(({ tokens }) => tokens.length <= 50)
  expect(parts.length).toBeGreaterThan(1000)
  const most = parts.map(({ at }) => parts.filter((one) => at <= one.at && one.at < at + 500).length)
  expect(Math.max(...most)).toBe(2)
})

it('each of very many bad tokens is lost, and asked no sooner than those that wait', async () => {
  const world = openWorld({ POLLHOOK_LOST_AFTER: '1h', POLLHOOK_POLL_BATCH: '20' })
  const bad = newTokens(100)
  spoilCalls(world, bad, 8 * second)
  await register(world, bad)
  await world.run(85 * minute)
  expect(world.sent.map(({ type }) => type)).toEqual(Array(100).fill('task.lost'))
  const singles = world.calls.filter(({ at, tokens }) => tokens.length === 1 && at < hour)
  const counts = [...Map.groupBy(singles, ({ tokens }) => tokens[0]!).values()].map(({ length }) => length)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
})

it.each([
  ['at the API host', undefined, refused],
  ['at a master that refuses them, and at the API host after it', statusUrl, refused],
  ['at a master that does not know them, and at the API host after it', statusUrl, knownToNobody],
])(
  'a batch is told apart while batches are always due and tokens are asked alone %s',
  async (_where, statusUrl, ofMaster) => {
    const world = openWorld({
      POLLHOOK_POLL_CONCURRENCY: '2',
      POLLHOOK_POLL_BATCH: '10',
      POLLHOOK_POLL_INTERVAL_MAX: '5s',
    })
    const bad = newTokens(60)
    spoilCalls(world, bad, second)
    const { answer } = world.upstream
    world.upstream.answer = async (origin, tokens) =>
      origin === masterOrigin ? world.later(second, ofMaster) : answer(origin, tokens)
    for (const taskToken of bad) await world.register({ taskToken, ...(statusUrl && { statusUrl }) })
    await world.run(5 * minute)
    await register(world, newTokens(400))
    await world.run(minute)
    const from = world.elapsed()
    const another = newToken()
    bad.add(another)
    const good = await register(world, [...newTokens(9), another])
    await world.run(30 * second)
    const asked = world.calls.filter(
      ({ at, tokens }) => at >= from && bad.has(tokens[0]!) && tokens.length === 1,
    )
    expect(asked.length).toBeGreaterThan(10)
    for (const one of good.slice(0, 9)) expect(world.deliveries(one)).toHaveLength(1)
  },
)

it('a batch that is spoiled is told apart while very many tokens are asked alone', async () => {
  const world = openWorld()
  const bad = newTokens(400)
  spoilCalls(world, bad, 500)
  await register(world, bad)
  await world.run(5 * minute)
  const late = newToken()
  bad.add(late)
  const good = newTokens(31)
  const made = await register(world, [...good, late])
  await world.run(20 * second)
  expect(made.slice(0, 31).map((one) => world.deliveries(one).map(({ type }) => type))).toEqual(
    Array(31).fill(['task.encoding']),
  )
})

it('while tokens are refused, a task that upstream has known shares no call with one that it never has', async () => {
  const world = openWorld()
  const bad = newTokens(40)
  spoilCalls(world, bad, 100)
  const good = new Set((await register(world, newTokens(20))).map(({ taskToken }) => taskToken))
  await world.run(3 * minute)
  const [first, ...others] = bad
  await register(world, [first!])
  await world.run(10 * second)
  const from = world.elapsed()
  for (const token of others) {
    await register(world, [token])
    await world.run(second)
  }
  const later = world.calls.filter(({ at }) => at >= from)
  expect(later.filter(({ tokens }) => tokens.some((token) => good.has(token)))).not.toEqual([])
  expect(later.filter(({ tokens }) => new Set(tokens.map((token) => good.has(token))).size > 1)).toEqual([])
})

it.for(['too_large', 'unreadable'] as const)(
  'a task whose answer is %s keeps no other from being told, and is asked alone from then on',
  async (reason) => {
    const world = openWorld()
    const one = newToken()
    spoilCalls(world, new Set([one]), 100, { kind: 'failed', reason })
    const made = await register(world, [...newTokens(20), one, ...newTokens(20)])
    await world.run(20 * second)
    // The whole, and two halves of whatever is spoiled.
    expect(world.calls.filter(({ at }) => at < 2 * second).length).toBeLessThanOrEqual(1 + 2 * 6)
    const others = made.filter(({ taskToken }) => taskToken !== one)
    for (const { taskToken } of others) world.statuses.set(taskToken, { status: 'completed' })
    const from = world.elapsed()
    await world.run(10 * minute)
    for (const other of others) {
      expect(world.deliveries(other).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
      expect(endOf(world, other)!.at - from).toBeLessThan(30 * second)
    }
    const later = world.calls.filter(({ at, tokens }) => at >= from && tokens.includes(one))
    expect(new Set(later.map(({ tokens }) => tokens.length))).toEqual(new Set([1]))
    const spoiler = made.find(({ taskToken }) => taskToken === one)!
    expect(world.deliveries(spoiler).map(({ type }) => type)).toEqual(['task.stalled'])
  },
)

it('a task whose answer could not be read is asked with the others again once it can be', async () => {
  const world = openWorld()
  const tokens = newTokens(8)
  const spoilers = new Set([...tokens].slice(5, 6))
  spoilCalls(world, spoilers, 100, { kind: 'failed', reason: 'too_large' })
  await register(world, tokens)
  await world.run(minute)
  spoilers.clear()
  await world.run(minute)
  const hintAll = () => {
    for (const token of tokens) world.relay().commands.hint(token)
  }
  // Each is known again by then, and polled so long ago that all are due at once.
  hintAll()
  await world.run(15 * second)
  const asked = world.calls.length
  hintAll()
  await world.run(3 * second)
  expect(world.calls.slice(asked).map(({ tokens }) => tokens.length)).toEqual([8])
})

it('the tasks that spoil calls do not have the API host taken for failing', async () => {
  const world = openWorld()
  const spoilers = newTokens(6)
  const good = await register(world, newTokens(30))
  await world.run(minute)
  spoilCalls(world, spoilers, 100, { kind: 'failed', reason: 'too_large' })
  await register(world, spoilers)
  await world.run(5 * minute)
  const from = world.elapsed()
  await world.run(3 * minute)
  const asked = (token: string) =>
    world.calls.filter(({ at, tokens }) => at >= from && tokens.includes(token)).length
  for (const { taskToken } of good) expect(asked(taskToken)).toBeGreaterThanOrEqual(4)
  for (const token of spoilers) expect(asked(token)).toBeGreaterThanOrEqual(4)
})

it('what tokens that are asked alone come to is no failure of the API host, also where it knows no other', async () => {
  const world = openWorld()
  const spoilers = newTokens(3)
  spoilCalls(world, spoilers, 100, { kind: 'failed', reason: 'too_large' })
  await register(world, spoilers)
  await world.run(5 * minute)
  for (const _ of [1, 2, 3, 4, 5]) {
    const { id } = await world.register()
    await world.run(2 * second)
    expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toContain(id)
    await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
    await world.run(7 * second)
  }
})

it('one is found also when the host was failing before', async () => {
  const world = openWorld()
  const good = await register(world, newTokens(30))
  const spoilers = newTokens(1)
  await register(world, spoilers)
  await world.run(minute)
  const { answer } = world.upstream
  world.upstream.answer = () => ({ kind: 'failed', reason: 'network' })
  await world.run(5 * minute)
  world.upstream.answer = answer
  spoilCalls(world, spoilers, 100, { kind: 'failed', reason: 'too_large' })
  await world.run(2 * minute)
  for (const one of good) expect(world.deliveries(one).at(-1)!.type).toBe('task.resumed')
})

it('an API host of which nothing can be read is asked for parts of a batch seldom, and backed off from', async () => {
  const world = openWorld()
  const tokens = newTokens(100)
  await register(world, tokens)
  await world.run(minute)
  spoilCalls(world, tokens, 100, { kind: 'failed', reason: 'unreadable' })
  const from = world.elapsed()
  await world.run(10 * minute)
  const calls = world.calls.filter(({ at }) => at >= from)
  const parts = calls.filter(({ tokens }) => tokens.length < 100)
  expect(parts.length).toBeLessThanOrEqual(5 * 5)
  expect(calls.length - parts.length).toBeGreaterThan(10)
  expect(calls.length - parts.length).toBeLessThan(30)
})

it.each([
  ['1', 30, 2],
  ['100', 3, 6],
])(
  'with %s tokens in a call, what cannot be read of some stalls nobody else: %i good, %i bad',
  async (batch, goodCount, badCount) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { next: random } = createRng(seed)
      const world = openWorld({ POLLHOOK_POLL_BATCH: batch }, { random })
      const bad = newTokens(badCount)
      spoilCalls(world, bad, 200, { kind: 'failed', reason: 'unreadable' })
      const good = await register(world, newTokens(goodCount))
      await register(world, bad)
      await world.run(30 * minute)
      const told = good.flatMap((one) => world.deliveries(one).map(({ type }) => type))
      expect([seed, told.filter((type) => type === 'task.stalled')]).toEqual([seed, []])
    }
  },
)

it.each<[string, StatusAnswer, number]>([
  ['from the first', { kind: 'failed', reason: 'timeout' }, 0],
  ['while the master is left alone', { kind: 'busy', retryAfterMs: 3 * minute }, minute],
  ['nor there', { kind: 'failed', reason: 'unreadable' }, 0],
  ['where its master does not know it', { kind: 'statuses', statuses: new Map() }, 0],
])(
  'a task alone at its master comes back to it after a time in which nothing could be read elsewhere, %s',
  async (_when, down, after) => {
    const world = openWorld()
    const honest = world.upstream.answer
    const one = await world.register({ statusUrl: `${masterOrigin}/v1/status` })
    await world.run(minute)
    let isMasterDown = true
    let isApiDown = after === 0
    world.upstream.answer = (origin, tokens) => {
      if (origin === masterOrigin) return isMasterDown ? down : honest(origin, tokens)
      return isApiDown ? { kind: 'failed', reason: 'unreadable' } : honest(origin, tokens)
    }
    await world.run(after)
    isApiDown = true
    await world.run(90 * second)
    isMasterDown = false
    world.statuses.set(one.taskToken, { status: 'completed' })
    await world.run(5 * minute)
    expect(endOf(world, one)).toBeDefined()
  },
)

it('a task that its master does not know, and that nobody can read elsewhere, is no failure of the API host', async () => {
  const world = openWorld()
  const one = await world.register({ statusUrl: `${masterOrigin}/v1/status` })
  world.upstream.answer = (origin, tokens) => {
    const isOwn = tokens.includes(one.taskToken)
    if (origin === masterOrigin) return { kind: 'statuses', statuses: new Map() }
    if (isOwn) return { kind: 'failed', reason: 'unreadable' }
    return { kind: 'statuses', statuses: new Map(tokens.map((token) => [token, { status: 'encoding' }])) }
  }
  await world.run(5 * minute)
  const other = await world.register()
  await world.run(2 * second)
  expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toContain(other.id)
})

it.each([
  ['1', 30, 2],
  ['100', 3, 6],
])(
  'with %s tokens in a call, what the API host cannot read of tasks whose master is down is no failure of it: %i good, %i bad',
  async (batch, goodCount, badCount) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { next: random } = createRng(seed)
      const world = openWorld({ POLLHOOK_POLL_BATCH: batch }, { random })
      const honest = world.upstream.answer
      const bad = newTokens(badCount)
      let isMasterDown = true
      world.upstream.answer = async (origin, tokens) => {
        if (origin === masterOrigin && isMasterDown) return { kind: 'failed', reason: 'network' }
        const isBad = origin !== masterOrigin && tokens.some((token) => bad.has(token))
        return world.later(
          200,
          isBad ? { kind: 'failed', reason: 'too_large' } : await honest(origin, tokens),
        )
      }
      const statusUrl = `${masterOrigin}/v1/status`
      const register = (tokens: Iterable<string>) =>
        Promise.all([...tokens].map((taskToken) => world.register({ taskToken, statusUrl })))
      const good = await register(newTokens(goodCount))
      const spoilers = await register(bad)
      await world.run(15 * minute)
      for (const one of good) expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
      const late = world.calls.filter(({ at, origin }) => at > 5 * minute && origin !== masterOrigin)
      const withBad = late.filter(({ tokens }) => tokens.some((token) => bad.has(token)))
      expect(withBad.length).toBeGreaterThan(20)
      expect(new Set(withBad.map(({ tokens }) => tokens.length))).toEqual(new Set([1]))
      isMasterDown = false
      for (const token of bad) world.statuses.set(token, { status: 'completed' })
      await world.run(5 * minute)
      for (const one of spoilers) expect(endOf(world, one)).toBeDefined()
    }
  },
)

it('a task that nobody can read is asked for where a new status_url says', async () => {
  const world = openWorld()
  const honest = world.upstream.answer
  const one = await world.register()
  world.upstream.answer = (origin, tokens) =>
    origin === masterOrigin ? honest(origin, tokens) : { kind: 'failed', reason: 'too_large' }
  await world.run(5 * minute)
  world.statuses.set(one.taskToken, { status: 'completed' })
  const statusUrl = `${masterOrigin}/v1/status`
  await world.after(world.relay().commands.updateSubscription(world.ownerId, one.id, { statusUrl }))
  await world.run(minute)
  expect(endOf(world, one)).toBeDefined()
})

it.each([1, 4])(
  'a task that nobody can read takes its master from none of the others: %i such',
  async (count) => {
    for (let seed = 1; seed <= 3; seed++) {
      const { next: random } = createRng(seed)
      const world = openWorld({}, { random })
      const bad = newTokens(count)
      const good = newTokens(3)
      world.upstream.answer = (origin, tokens) => {
        const isSpoiled = tokens.some((token) => bad.has(token))
        // Nobody else knows them.
        const known = origin === masterOrigin ? tokens : []
        const statuses = new Map(known.map((token) => [token, { status: 'encoding' }]))
        return world.later(
          200,
          isSpoiled ? { kind: 'failed', reason: 'too_large' } : { kind: 'statuses', statuses },
        )
      }
      const statusUrl = `${masterOrigin}/v1/status`
      const made = await Promise.all(
        [...good, ...bad].map((taskToken) => world.register({ taskToken, statusUrl })),
      )
      await world.run(hour)
      for (const one of made.slice(0, 3))
        expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
    }
  },
)
