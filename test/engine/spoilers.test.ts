/** CONTRACT §5.4, "only that one suffers": what tokens that spoil a whole call cost the others. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { type EngineWorld, hour, minute, newToken, openWorld, second } from './world.ts'

const refused: StatusAnswer = { kind: 'error', code: 13, message: null }

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

it('a task that upstream has known shares no call with one that it never has', async () => {
  const world = openWorld()
  const bad = newTokens(40)
  spoilCalls(world, bad, 100)
  const good = new Set((await register(world, newTokens(20))).map(({ taskToken }) => taskToken))
  await world.run(3 * minute)
  const from = world.elapsed()
  for (const token of bad) {
    await register(world, [token])
    await world.run(second)
  }
  const later = world.calls.filter(({ at }) => at >= from)
  expect(later.filter(({ tokens }) => tokens.some((token) => good.has(token)))).not.toEqual([])
  expect(later.filter(({ tokens }) => new Set(tokens.map((token) => good.has(token))).size > 1)).toEqual([])
})
