/** CONTRACT §4.5: the circuit of an endpoint opens at failures in a row, and the first success makes all that waits due. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  hour,
  minute,
  openWorld,
  rejected,
  second,
  timedOut,
} from './world.ts'

it('the circuit opens at the tenth failure in a row, not before', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '1' })
  world.receiver.answer = () => rejected(500)
  await completeTasks(world, 9)
  await world.run(second)
  expect(world.sent).toHaveLength(9)
  expect(world.endpoint()).toMatchObject({ state: 'healthy' })
  await completeTasks(world, 5)
  await world.run(second)
  expect(world.sent).toHaveLength(10)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  expect(world.endpoint().failingSince).not.toBeNull()
})

it('an answer that is no failure resets the count', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '1' })
  let answered = 0
  world.receiver.answer = () => rejected(++answered === 10 ? 404 : 500)
  await completeTasks(world, 15)
  await world.run(second)
  expect(world.sent).toHaveLength(15)
  expect(world.endpoint()).toMatchObject({ state: 'healthy' })
})

it('while it is open one probe at a time goes out, at most 5 min apart, and the others use no attempts', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 40)
  await world.run(2 * hour)
  const probes = world.sent.slice(-20)
  const waits = probes.slice(1).map(({ at }, i) => at - probes[i]!.at)
  expect(Math.max(...waits)).toBeLessThanOrEqual(5 * minute + second)
  expect(Math.min(...waits)).toBeGreaterThan(4 * minute)
  const used = made.map((one) => world.deliveries(one)[0]!.attempts)
  expect(used.reduce((sum, n) => sum + n, 0)).toBe(world.sent.length)
  expect(world.endpoint().backlog).toBe(40)
})

it('the first success makes all that waits due, within the concurrency of the endpoint', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '4' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 60)
  await world.run(20 * minute)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  let open = 0
  let most = 0
  world.receiver.answer = async () => {
    open++
    most = Math.max(most, open)
    await new Promise<void>((resolve) => setImmediate(resolve))
    open--
    return accepted
  }
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
  expect(most).toBeLessThanOrEqual(4)
  const recovered = world.sent.slice(-59)
  expect(recovered.at(-1)!.at - recovered[0]!.at).toBeLessThan(second)
  expect(world.endpoint()).toMatchObject({ state: 'healthy', backlog: 0 })
})

it.each([
  ['at the first success', () => {}],
  [
    'at the first success after a restart',
    (world: EngineWorld) => {
      world.crash()
      world.start()
    },
  ],
])('an outage that ends with a refusal ends all the same %s', async (_when, meanwhile) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1h,2h,5h' })
  world.receiver.answer = () => rejected(500)
  const made = await completeTasks(world, 40)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.receiver.answer = () => rejected(404)
  while (world.endpoint().state === 'failing') await world.run(second)
  await world.run(minute)
  meanwhile(world)
  world.receiver.answer = () => accepted
  await completeTasks(world, 1)
  await world.run(second)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('what fails after the success that ended an outage waits, also if they end together', async () => {
  const world = openWorld()
  // It may have more than a few under way after that.
  world.receiver.answer = () => world.later(100, accepted)
  await completeTasks(world, 60)
  await world.run(second)
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  world.sent.length = 0
  await completeTasks(world, 18)
  await world.run(second)
  const ids = world.sent.map(({ id }) => id)
  expect(ids).toHaveLength(18)
  const outcomes = [...Array(12).fill(rejected(500)), accepted, ...Array(5).fill(rejected(500))] as Outcome[]
  world.receiver.answer = () => accepted
  for (const [i, outcome] of outcomes.entries()) answers[i]!(outcome)
  await world.run(second)
  expect(
    world.sent
      .slice(18)
      .map(({ id }) => ids.indexOf(id))
      .sort((a, b) => a - b),
  ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})
