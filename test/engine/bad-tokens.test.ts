/** CONTRACT §5.4, "only that one suffers": what tokens that upstream refuses cost the others. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { endOf, newTokens, refused, register, spoilCalls } from './spoilers.ts'
import { breakUpstream, error, statusUrl } from './upstream.ts'
import { hour, masterOrigin, minute, newToken, openWorld, second } from './world.ts'

const knownToNobody: StatusAnswer = { kind: 'statuses', statuses: new Map() }

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

it('a master that refuses tokens is asked for new ones apart from those that it knows', async () => {
  const world = openWorld()
  const bad = new Set<string>()
  breakUpstream(world, (_origin, tokens) => (tokens.some((token) => bad.has(token)) ? error(13) : null))
  for (let n = 0; n < 20; n++) await world.register({ statusUrl })
  await world.run(minute)
  // The first shows that there are bad ones about.
  const spoiled = () =>
    world.calls.filter(({ tokens }) => tokens.length > 1 && tokens.some((one) => bad.has(one)))
  let from = 0
  for (let n = 0; n < 40; n++) {
    const taskToken = newToken()
    bad.add(taskToken)
    await world.register({ statusUrl, taskToken })
    await world.run(3 * second)
    if (n === 0) from = world.elapsed()
  }
  expect(spoiled().filter(({ at }) => at >= from)).toEqual([])
})

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
