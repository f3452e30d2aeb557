/** CONTRACT §4.5: the `max_per_second` of an endpoint is never exceeded, and used. */
import { expect, it } from 'vitest'
import {
  accepted,
  completeTasks,
  minute,
  openWorld,
  patchEndpoint,
  second,
  sendTest,
  timedOut,
} from './world.ts'

it('max_per_second holds when all is made due at once', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  await completeTasks(world, 40)
  await world.run(minute)
  await patchEndpoint(world, { maxPerSecond: 2 })
  world.receiver.answer = () => accepted
  while (world.endpoint().state === 'failing') await world.run(second)
  const from = world.elapsed()
  await world.run(10 * second)
  const sent = world.sent.filter(({ at }) => at >= from).length
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThanOrEqual(21)
})

it.each([0.5, 1, 3, 10, 100])(
  'no second has more than %d attempts, and hardly any has less',
  async (rate) => {
    const world = openWorld()
    const seconds = 10
    await completeTasks(world, 1)
    await world.run(minute)
    await patchEndpoint(world, { maxPerSecond: rate, paused: true })
    await completeTasks(world, Math.ceil(rate * seconds * 2))
    await world.run(minute)
    world.sent.length = 0
    await patchEndpoint(world, { paused: false })
    await world.run(seconds * second)
    const starts = world.sent.map(({ at }) => at)
    const within = (from: number) => starts.filter((at) => at >= from && at < from + second).length
    expect(Math.max(...starts.map(within))).toBeLessThanOrEqual(Math.max(1, rate))
    expect(starts.length).toBeGreaterThanOrEqual(Math.floor(rate * seconds * 0.95))
  },
)

it('a rate is used while an attempt hangs', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.run(second)
  await patchEndpoint(world, { maxPerSecond: 1 })
  const other = await world.register()
  await world.run(10 * second)
  world.sent.length = 0
  world.receiver.answer = ({ subscriptionId }) =>
    subscriptionId === one.id ? world.later(15 * second, timedOut) : accepted
  await sendTest(world, one.id)
  await world.run(300)
  await sendTest(world, other.id)
  await world.run(2 * second)
  expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toEqual([one.id, other.id])
})
