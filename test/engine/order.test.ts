/** CONTRACT §4.1 to §4.3: at least once, in order and one at a time, the latest wins. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  never,
  newToken,
  openWorld,
  patchEndpoint,
  rejected,
  second,
} from './world.ts'

const states = (deliveries: { type: string; state: string }[]) =>
  deliveries.map(({ type, state }) => `${type} ${state}`)

it('4.1 an attempt that a crash interrupted is not counted and is made again under the same id', async () => {
  const world = openWorld()
  world.receiver.answer = () => never()
  const made = await world.register()
  await world.run(second)
  expect(world.sent).toHaveLength(1)
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 0 }])
  world.crash()
  world.receiver.answer = () => accepted
  world.start()
  await world.run(second)
  expect(world.sent.map(({ id }) => id)).toEqual([world.sent[0]!.id, world.sent[0]!.id])
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 1 }])
})

it('4.1 a terminal event is tried by the whole schedule, then it is exhausted', async () => {
  const world = openWorld()
  // A receiver that says no is no sick endpoint: its circuit stays closed.
  world.receiver.answer = () => rejected(400)
  const token = newToken()
  world.statuses.set(token, { status: 'completed' })
  const made = await world.register({ taskToken: token })
  await world.run(28 * hour)
  const [delivery] = world.deliveries(made)
  expect(delivery).toMatchObject({ state: 'exhausted', stateReason: 'attempts_exhausted', attempts: 8 })
  expect(delivery!.finishedAt).not.toBeNull()
  const waits = world.sent.slice(1).map(({ at }, i) => at - world.sent[i]!.at)
  const schedule = [5 * second, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 10 * hour]
  waits.forEach((wait, i) => {
    expect(wait).toBeGreaterThanOrEqual(schedule[i]!)
    expect(wait).toBeLessThan(schedule[i]! + second)
  })
  expect(new Set(world.sent.map(({ id }) => id)).size).toBe(1)
})

it('4.2 one attempt at a time per subscription, whatever else waits', async () => {
  const world = openWorld()
  const token = newToken()
  world.statuses.set(token, { status: 'queued' })
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  await world.register({ taskToken: token })
  await world.run(second)
  for (const status of ['encoding', 'saving', 'completed']) {
    await world.change(token, { status })
  }
  expect(world.sent.map(({ type }) => type)).toEqual(['task.queued'])
  for (let told = 1; told <= 4; told++) {
    expect(answers).toHaveLength(told)
    answers.at(-1)!(accepted)
    await world.run(second)
  }
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
})

it('4.2 a failing event holds back what is newer until its schedule is over', async () => {
  const world = openWorld()
  const token = newToken()
  world.statuses.set(token, { status: 'queued' })
  world.receiver.answer = ({ type }) => (type === 'task.queued' ? rejected(400) : accepted)
  const made = await world.register({ taskToken: token })
  await world.run(second)
  world.statuses.set(token, { status: 'completed' })
  await world.run(minute)
  expect(world.sent.map(({ type }) => type)).toEqual([
    'task.queued',
    'task.queued',
    'task.queued',
    'task.completed',
  ])
  expect(states(world.deliveries(made))).toEqual(['task.queued exhausted', 'task.completed delivered'])
})

it('4.3 waiting progress gives way to anything newer, a status change never does', async () => {
  const world = openWorld()
  const token = newToken()
  world.statuses.set(token, { status: 'queued', percent: 0 })
  let broken = true
  world.receiver.answer = () => (broken ? rejected(400) : accepted)
  const made = await world.register({ taskToken: token })
  await world.run(second)
  for (const [status, percent] of [
    ['encoding', 10],
    ['encoding', 20],
    ['encoding', 30],
    ['saving', 100],
  ] as const) {
    await world.change(token, { status, percent })
  }
  broken = false
  await world.run(5 * minute)
  const all = world.deliveries(made)
  expect(states(all).slice(1)).toEqual([
    'task.encoding delivered',
    'task.progress superseded',
    'task.progress superseded',
    'task.saving delivered',
  ])
  expect(all.find(({ state }) => state === 'superseded')).toMatchObject({ stateReason: 'newer_event' })
})

/** A subscription whose progress at 10 % is under way; the test says how that ends. */
async function sendingProgress(world: EngineWorld) {
  const token = newToken()
  world.statuses.set(token, { status: 'encoding', percent: 0 })
  const made = await world.register({ taskToken: token })
  await world.run(second)
  const { promise, resolve: answer } = Promise.withResolvers<Outcome>()
  world.receiver.answer = () => promise
  await world.change(token, { status: 'encoding', percent: 10 })
  return { made, token, answer }
}

it('4.3 progress that is being sent when something newer comes is not sent a second time', async () => {
  const world = openWorld()
  const { made, token, answer } = await sendingProgress(world)
  await world.change(token, { status: 'encoding', percent: 20 })
  world.receiver.answer = () => accepted
  answer(rejected(500))
  await world.run(minute)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
  expect(states(world.deliveries(made)).slice(1)).toEqual([
    'task.progress superseded',
    'task.progress delivered',
  ])
})

it.each(['an answer', 'a crash'])('4.3 nor when what is newer was asked for again before %s', async (end) => {
  const world = openWorld()
  const { made, token, answer } = await sendingProgress(world)
  await world.change(token, { status: 'saving', percent: 10 })
  const { id } = world.deliveries(made).at(-1)!
  await world.after(world.relay().commands.redeliver(world.ownerId, id))
  world.receiver.answer = () => accepted
  if (end === 'an answer') answer(rejected(500))
  else {
    world.crash()
    world.start()
  }
  await world.run(minute)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
  expect(states(world.deliveries(made)).slice(1)).toEqual([
    'task.progress superseded',
    'task.saving delivered',
  ])
})

it('4.3 an interim event that fails delays the end by its short schedule, not by hours', async () => {
  const world = openWorld()
  const token = newToken()
  world.statuses.set(token, { status: 'queued' })
  world.receiver.answer = ({ type }) => (type === 'task.completed' ? accepted : rejected(400))
  await world.register({ taskToken: token })
  await world.run(second)
  world.statuses.set(token, { status: 'completed' })
  await world.run(2 * minute)
  const told = world.sent.find(({ type }) => type === 'task.completed')!
  expect(told.at - world.sent[0]!.at).toBeLessThan(minute)
})

it('4.6 a cancelled subscription sends nothing more, and what waited has a reason and a time', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(400)
  const made = await world.register()
  await world.run(second)
  expect(await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))).toBe(true)
  const before = world.sent.length
  await world.run(hour)
  expect(world.sent).toHaveLength(before)
  const [delivery] = world.deliveries(made)
  expect(delivery).toMatchObject({ state: 'cancelled', stateReason: 'requested' })
  expect(delivery!.finishedAt).not.toBeNull()
})

it('4.1 what is cut off counts for nothing, however often the relay is told to stop', async () => {
  const world = openWorld()
  const answer = Promise.withResolvers<Outcome>()
  world.receiver.answer = () => answer.promise
  const made = await world.register()
  await world.run(second)
  const relay = world.relay()
  const stopped = relay.stop()
  relay.cutOff()
  const stoppedAgain = relay.stop()
  answer.resolve({ kind: 'unreachable', errorCode: 'network_error' })
  await world.after(Promise.all([stopped, stoppedAgain]))
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 0 }])
})

it('a store that fails while what is due is read changes no order', async () => {
  let fails = false
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        dueDeliveries(...of) {
          if (!fails) return store.dueDeliveries(...of)
          fails = false
          throw new Error('disk I/O error')
        },
      }),
    },
  )
  const one = await world.register()
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  for (const status of ['saving', 'completed']) await world.change(one.taskToken, { status })
  fails = true
  await patchEndpoint(world, { paused: false })
  await world.run(5 * second)
  expect(fails).toBe(false)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
})
