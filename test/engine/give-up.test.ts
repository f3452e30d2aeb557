/** CONTRACT §4.5: what its endpoint keeps waiting too long is given up, but not over a time in which the relay did not ask. */
import { expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { accepted, completeTasks, hour, minute, openWorld, rejected, second, timedOut } from './world.ts'

it('what its endpoint keeps waiting for longer than the whole schedule is exhausted, with that reason', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 30)
  await world.run(hour)
  const ends = made.map((one) => world.deliveries(one)[0]!)
  expect(ends.every(({ state, finishedAt }) => state === 'exhausted' && finishedAt !== null)).toBe(true)
  expect(ends.some(({ stateReason }) => stateReason === 'endpoint_unavailable')).toBe(true)
})

it('however much has waited too long ends by itself, some in each commit, and the log says how much at which endpoint', async () => {
  const ended: unknown[] = []
  const commits: number[] = []
  const log = { debug() {}, info() {}, error() {}, warn: noteEnded }
  function noteEnded(message: string, fields?: object) {
    if (message.includes('kept waiting')) ended.push(fields)
  }
  const wrapStore = (store: Store): Store => ({
    ...store,
    exhaustKeptWaiting(...of) {
      const count = store.exhaustKeptWaiting(...of)
      if (count > 0) commits.push(count)
      return count
    },
  })
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '30m,30m' }, { log, wrapStore })
  world.receiver.answer = () => rejected(429, `${10 * 3600}`)
  await completeTasks(world, 1)
  await world.run(minute)
  await completeTasks(world, 450)
  await world.run(hour)
  expect(commits).toEqual([])
  await world.run(2 * minute)
  expect(commits).toEqual([200, 200, 50])
  expect(ended).toEqual(commits.map((count) => ({ origin: 'https://app.example.com', count })))
})

it('nothing is given up while a probe is under way, whose success is the end of it', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(6 * minute)
  expect(world.endpoint().state).toBe('failing')
  let answer: (outcome: typeof accepted) => void = () => {}
  world.receiver.answer = () => new Promise((resolve) => (answer = resolve))
  await world.run(10 * minute)
  world.receiver.answer = () => accepted
  answer(accepted)
  await world.run(minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('a relay that was down longer than the whole schedule asks once more before it gives anything up', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.crash()
  await world.run(hour)
  world.receiver.answer = () => accepted
  world.start()
  await world.run(minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it.each([
  ['', 0],
  [', also after its clock was set back', -2 * hour],
])('a relay whose machine slept as long asks once more as well%s', async (_also, byMs) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.step(byMs)
  await completeTasks(world, 1)
  await world.run(second)
  world.step(hour)
  world.receiver.answer = () => accepted
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it.each([
  ['nothing is planned', accepted],
  ['something is planned for hours later', rejected(503, '18000')],
])('so does one that slept while a probe was under way and %s', async (_what, elsewhere) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = ({ url }) => (url.startsWith('https://other.') ? elsewhere : timedOut)
  await completeTasks(world, 1, 'https://other.example.com/')
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  const answers: ((outcome: typeof timedOut) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  while (answers.length === 0) await world.run(second)
  // Something new for the endpoint: the look at it leaves what comes next to the end of the probe.
  await completeTasks(world, 1)
  await world.run(second)
  world.step(hour)
  world.receiver.answer = () => accepted
  answers[0]!(timedOut)
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('what an endpoint keeps waiting is given up in time although the clock was ahead at the start', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10m,10m,10m' })
  await world.run(second)
  world.step(-30 * 24 * hour)
  await world.run(second)
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 30)
  await world.run(6 * hour)
  const reasons = made.map((one) => world.deliveries(one)[0]!.stateReason)

  expect(reasons).toContain('endpoint_unavailable')
  expect(reasons).not.toContain(null)
})

it('what Retry-After keeps waiting is given up in time, however long that is', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '30m,30m' })
  world.receiver.answer = () => rejected(429, `${10 * 3600}`)
  const [, behind] = await completeTasks(world, 2)
  await world.run(second)
  expect(world.deliveries(behind!)[0]).toMatchObject({ state: 'pending' })
  const [later] = await completeTasks(world, 1)
  await world.run(hour + minute)
  expect(world.deliveries(later!)[0]).toMatchObject({
    state: 'exhausted',
    stateReason: 'endpoint_unavailable',
    attempts: 0,
  })
})
