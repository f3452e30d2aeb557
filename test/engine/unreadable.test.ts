/** CONTRACT §5.4, "only that one suffers": what tasks whose answers cannot be read cost the others at the API host. */
import { expect, it } from 'vitest'
import { createRng } from '../sim/random.ts'
import { endOf, newTokens, register, spoilCalls } from './spoilers.ts'
import { minute, newToken, openWorld, second } from './world.ts'

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
