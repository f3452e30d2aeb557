/** CONTRACT §3: a test event goes out before what waits, within the limits of its endpoint. */
import { expect, it } from 'vitest'
import {
  accepted,
  completeTasks,
  hour,
  minute,
  never,
  openWorld,
  patchEndpoint,
  registered,
  rejected,
  second,
  sendTest,
  timedOut,
} from './world.ts'

it('a test goes out before what waits, even while the circuit is open, and supersedes nothing', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const made = []
  for (let n = 0; n < 12; n++) made.push((await registered(world, 'completed')).made)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  const before = world.sent.length
  world.receiver.answer = () => rejected(404)
  await sendTest(world, made[11]!.id)
  await world.run(second)
  expect(world.sent[before]).toMatchObject({ type: 'pollhook.test', seq: null })
  const types = world.deliveries(made[11]!).map(({ type, state }) => `${type} ${state}`)
  expect(types).toContain('task.completed pending')
})

it('a test goes out before what a rate holds at a healthy endpoint', async () => {
  const world = openWorld()
  const made = []
  for (let n = 0; n < 12; n++) made.push(await registered(world, 'encoding'))
  await patchEndpoint(world, { maxPerSecond: 1, paused: true })
  for (const { token } of made) await world.change(token, { status: 'completed' })
  const before = world.sent.length
  await patchEndpoint(world, { paused: false })
  await sendTest(world, made[11]!.made.id)
  await world.run(3 * second)
  const types = world.sent.slice(before).map(({ type }) => type)
  // The first had gone when the test was asked for.
  expect(types.slice(0, 3)).toEqual(['task.completed', 'pollhook.test', 'task.completed'])
  expect(types.length).toBeLessThan(6)
})

it('a test goes before what waits also while another one hangs', async () => {
  const world = openWorld()
  const one = await world.register()
  const other = await world.register()
  await world.run(second)
  await patchEndpoint(world, { maxPerSecond: 1 })
  await completeTasks(world, 30)
  await world.run(5 * second)
  world.sent.length = 0
  world.receiver.answer = ({ subscriptionId }) =>
    subscriptionId === one.id ? world.later(15 * second, timedOut) : accepted
  await sendTest(world, one.id)
  await world.run(1_100)
  await sendTest(world, other.id)
  await world.run(2 * second)
  const tests = world.sent.flatMap(({ type }, i) => (type === 'pollhook.test' ? [i] : []))
  expect(tests).toHaveLength(2)
  expect(tests[1]! - tests[0]!).toBeLessThanOrEqual(2)
})

it('the retry of a test at an open circuit waits for no probe that hangs', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const [one] = await completeTasks(world, 20)
  await world.run(minute)
  expect(world.endpoint().state).toBe('failing')
  world.receiver.answer = ({ type }) =>
    type === 'pollhook.test' ? rejected(500) : world.later(15 * second, timedOut)
  const before = world.sent.length
  while (world.sent.length === before) await world.run(second)
  await sendTest(world, world.deliveries(one!)[0]!.subscriptionId)
  await world.run(7 * second)
  expect(world.sent.slice(before).map(({ type }) => type)).toEqual([
    'task.completed',
    'pollhook.test',
    'pollhook.test',
  ])
})

it('nor for the next probe, and no test goes beyond the limits of its endpoint', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const made = await completeTasks(world, 20)
  await world.run(10 * minute)
  let before = world.sent.length
  while (world.sent.length === before) await world.run(second)
  before = world.sent.length
  await sendTest(world, made[0]!.id)
  await world.run(7 * second)
  const since = () => world.sent.slice(before).map(({ type }) => type)
  expect(since()).toEqual(Array(2).fill('pollhook.test'))
  await patchEndpoint(world, { maxConcurrency: 1 })
  world.receiver.answer = () => never()
  for (const { id } of made.slice(1, 4)) await sendTest(world, id)
  await world.run(second)
  expect(since()).toEqual(Array(3).fill('pollhook.test'))
  const limits = { maxConcurrency: 4, maxPerSecond: 0.5 }
  await patchEndpoint(world, limits)
  await world.run(second)
  expect(since()).toEqual(Array(4).fill('pollhook.test'))
  await world.run(2 * second)
  expect(since()).toEqual(Array(5).fill('pollhook.test'))
})

it('a test that is moved while its last attempt is under way is not begun anew by that', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => world.later(15 * second, timedOut)
  const { commands } = world.relay()
  await sendTest(world, made.id)
  const tries = () => world.sent.filter(({ type }) => type === 'pollhook.test').length
  while (tries() < 3) await world.run(second)
  const callbackUrl = 'https://new.example.com/hook'
  await world.after(commands.updateSubscription(world.ownerId, made.id, { callbackUrl }))
  await world.run(hour)
  expect(tries()).toBe(3)
})
