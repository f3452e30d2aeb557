/** CONTRACT §2: upstream's own callback is a hint: its task is polled soon, but no sooner than the interval allows. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { callsFor } from './upstream.ts'
import { minute, newToken, openWorld, second, types } from './world.ts'

it("upstream's own callback makes a task due as soon as the interval allows, and no sooner", async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  const before = callsFor(world, taskToken).at(-1)!.at
  await world.run(6 * second)
  const asked = callsFor(world, taskToken).length
  for (let n = 0; n < 50; n++) world.relay().commands.hint(taskToken)
  await world.run(4 * second)
  const calls = callsFor(world, taskToken).slice(asked)
  expect(calls).toHaveLength(1)
  expect(calls[0]!.at - before).toBeGreaterThanOrEqual(5 * second)
})

it('a hint that comes while the task is asked for is not lost: the answer may be older', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  const answered = Promise.withResolvers<StatusAnswer>()
  const { answer } = world.upstream
  world.upstream.answer = () => answered.promise
  const asked = world.calls.length
  while (world.calls.length === asked) await world.run(second)
  world.relay().commands.hint(taskToken)
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'completed' })
  answered.resolve({ kind: 'statuses', statuses: new Map([[taskToken, { status: 'encoding' }]]) })
  await world.run(6 * second)
  expect(types(world)).toEqual(['task.encoding', 'task.completed'])
})

it('nor does it wait for company then', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  for (let n = 0; n < 40; n++) {
    await world.register()
    await world.run(333)
  }
  await world.run(minute)
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) => world.later(300, await answer(origin, tokens))
  for (let n = 0; n < 10; n++) {
    const from = world.calls.length
    while (world.calls.length === from) await world.run(10)
    const [taskToken] = world.calls.at(-1)!.tokens
    const { at } = world.calls.at(-1)!
    world.relay().commands.hint(taskToken!)
    await world.run(12 * second)
    const next = callsFor(world, taskToken!).find((call) => call.at > at)!
    // A 25th of the interval for the look, and the time in which others may be hinted at.
    expect(next.at - at).toBeLessThanOrEqual(5 * second + 200 + 100 + 50)
  }
})

it('a hint that comes while upstream wants to be left alone holds until it may be asked again', async () => {
  const world = openWorld()
  const { answer } = world.upstream
  const { taskToken } = await world.register()
  await world.run(10 * minute)
  const from = world.calls.length
  while (world.calls.length === from) await world.run(100)
  await world.run(7 * second)
  world.upstream.answer = () => ({ kind: 'busy', retryAfterMs: 6 * second })
  await world.register()
  await world.run(second)
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'completed' })
  const asked = world.calls.length
  world.relay().commands.hint(taskToken)
  await world.run(second)
  expect(world.calls).toHaveLength(asked)
  await world.run(6 * second)
  expect(types(world)).toContain('task.completed')
})

it('a task that is hinted at waits for no company', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  await world.register()
  await world.run(4 * second)
  const asked = callsFor(world, taskToken).length
  // The other is due in a moment.
  world.relay().commands.hint(taskToken)
  await world.run(0.2 * second)
  expect(
    callsFor(world, taskToken)
      .slice(asked)
      .map(({ tokens }) => tokens),
  ).toEqual([[taskToken]])
  await world.run(14 * second)
  expect(callsFor(world, taskToken)).toHaveLength(asked + 1)
})

it('a task that waits for company already waits no longer once it is hinted at', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(2 * second)
  await world.register()
  const polledAt = () => callsFor(world, taskToken).at(-1)!.at
  // Later than a tenth after the interval it can only wait for the other.
  while (world.elapsed() - polledAt() < 5.6 * second) await world.run(0.1 * second)
  const asked = callsFor(world, taskToken).length
  world.relay().commands.hint(taskToken)
  await world.run(0.2 * second)
  expect(callsFor(world, taskToken)).toHaveLength(asked + 1)
})
