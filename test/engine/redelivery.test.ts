/** CONTRACT §4.8: what is sent again because somebody asked for it. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import type { DeliveryDetail } from '../../src/store/records.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  openWorld,
  registered,
  rejected,
  second,
  timedOut,
} from './world.ts'

const redeliver = (world: EngineWorld, { id }: DeliveryDetail) =>
  world.after(world.relay().commands.redeliver(world.ownerId, id))

it('a delivered one is sent again under the same id with the same bytes, and the log goes on', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'completed')
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(second)
  const [first, again] = world.sent
  expect(again).toMatchObject({ id: first!.id })
  expect(again!.request.body).toBe(first!.request.body)
  expect(world.deliveries(made)).toMatchObject([
    { state: 'delivered', attempts: 2, attemptLog: [{ attempt: 1 }, { attempt: 2 }] },
  ])
})

it('one that was ever accepted ends delivered whatever the repeat meets', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => rejected(400)
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(10 * minute)
  expect(world.sent).toHaveLength(4)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 4 }])
})

it('an exhausted one becomes pending with a fresh schedule', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(400)
  const { made } = await registered(world, 'encoding')
  await world.run(5 * minute)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 3 }])
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(2 * second)
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 4 }])
  await world.run(5 * minute)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 6 }])
})

it('a pending one becomes due now and replaces its retry', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const { made } = await registered(world, 'completed')
  world.receiver.answer = () => accepted
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(second)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 2 }])
  await world.run(2 * minute)
  expect(world.sent).toHaveLength(2)
})

it('it goes out next, is never superseded, and one at a time still holds', async () => {
  const world = openWorld()
  const { made, token } = await registered(world, 'encoding')
  await world.change(token, { status: 'encoding', percent: 10 })
  await world.run(second)
  const progress = world.deliveries(made)[1]!
  let answer: ((outcome: Outcome) => void) | undefined
  world.receiver.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await world.change(token, { status: 'saving', percent: 100 })
  await world.run(second)
  await redeliver(world, progress)
  await world.change(token, { status: 'completed', percent: 100 })
  await world.run(second)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
  world.receiver.answer = () => accepted
  answer!(accepted)
  await world.run(second)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 2, 4])
})

it('a cancelled one, or one of a cancelled subscription, is refused', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))
  expect(await redeliver(world, world.deliveries(made)[0]!)).toMatchObject({ kind: 'conflict' })
})

it('by filter: counts without sending on a dry run, and leaves out progress that has a newer event', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(400)
  const { made, token } = await registered(world, 'encoding')
  await world.change(token, { status: 'encoding', percent: 50 })
  await world.run(2 * minute)
  await world.change(token, { status: 'completed' })
  await world.run(30 * hour)
  const states = world.deliveries(made).map(({ type, state }) => `${type} ${state}`)
  expect(states).toEqual(['task.encoding exhausted', 'task.progress exhausted', 'task.completed exhausted'])
  const { commands } = world.relay()
  const filter = { state: 'exhausted', dryRun: true } as const
  expect(await world.after(commands.redeliverMany(world.ownerId, filter))).toEqual({ count: 2 })
  const before = world.sent.length
  await world.run(minute)
  expect(world.sent).toHaveLength(before)
  world.receiver.answer = () => accepted
  await world.after(commands.redeliverMany(world.ownerId, { ...filter, dryRun: false }))
  await world.run(second)
  expect(world.sent.slice(before).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  // What was asked for again is still newer than that progress.
  expect(await world.after(commands.redeliverMany(world.ownerId, filter))).toEqual({ count: 0 })
})

it.each([
  ['the last of its schedule', 3],
  ['one before that', 2],
])(
  'one that is asked for while an attempt of it hangs, %s, is due once that has failed',
  async (_which, nth) => {
    const world = openWorld()
    world.receiver.answer = () => world.later(15 * second, timedOut)
    const { made } = await registered(world, 'encoding')
    while (world.sent.length < nth) await world.run(second)
    await redeliver(world, world.deliveries(made)[0]!)
    world.receiver.answer = () => accepted
    await world.run(16 * second)
    expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: nth + 1 }])
  },
)

it('one that was asked for while the last attempt of it hung has a schedule of its own', async () => {
  const world = openWorld()
  world.receiver.answer = () => world.later(15 * second, timedOut)
  const { made } = await registered(world, 'encoding')
  while (world.sent.length < 3) await world.run(second)
  await redeliver(world, world.deliveries(made)[0]!)
  world.receiver.answer = () => rejected(500)
  await world.run(hour)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 6 }])
})

it('a redelivery that fails, and was not asked for again, has its schedule', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => rejected(500)
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(hour)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 4 }])
})
