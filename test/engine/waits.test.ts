/** CONTRACT §4.5: what waits at an endpoint that is well again is due at once, however much it is, in small commits. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { endWaitsMax } from '../../src/store/waits.ts'
import { delivered, openCounted, openFailing } from './waits.ts'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  minute,
  openWorld,
  patchEndpoint,
  rejected,
  second,
} from './world.ts'

it('the end of a pause makes five thousand that wait due, some hundreds a commit', async () => {
  const { world, commits } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '1h,1h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 5_000)
  await world.run(minute)
  expect(world.sent).toHaveLength(5_000)
  await patchEndpoint(world, { paused: true })
  world.receiver.answer = () => accepted
  commits.length = 0
  await patchEndpoint(world, { paused: false })
  await world.run(minute)
  expect(delivered(world)).toBe(5_000)
  // The endpoint's own row besides.
  expect(Math.max(...commits)).toBe(endWaitsMax + 1)
})

it('the success that closes a circuit does so too, and what is held stays held', async () => {
  const schedules = { POLLHOOK_RETRY_SCHEDULE: '2h,2h', POLLHOOK_RETRY_SCHEDULE_INTERIM: '2h' }
  const { world, commits } = openCounted(schedules)
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 2 * endWaitsMax)
  const held = await world.register()
  await world.run(minute)
  await world.after(world.relay().commands.updateSubscription(world.ownerId, held.id, { state: 'paused' }))
  world.receiver.answer = () => rejected(500)
  await completeTasks(world, 20)
  await world.run(second)
  expect(world.endpoint().state).toBe('failing')
  commits.length = 0
  world.receiver.answer = () => accepted
  // The only one that is due: the probe.
  await completeTasks(world, 1)
  await world.run(6 * minute)
  expect(delivered(world)).toBe(2 * endWaitsMax + 21)
  // The probe and the endpoint's own row besides.
  expect(Math.max(...commits)).toBe(endWaitsMax + 2)
  expect(world.deliveries(held)).toMatchObject([{ state: 'pending' }])
})

it('what fails again meanwhile waits by its schedule', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '30m,2h,2h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 3 * endWaitsMax)
  await world.run(minute)
  await patchEndpoint(world, { paused: true })
  await patchEndpoint(world, { paused: false })
  await world.run(20 * minute)
  expect(world.sent).toHaveLength(2 * 3 * endWaitsMax)
})

it('a disk that fails meanwhile is tried again', async () => {
  const { world, disk } = openFailing({ POLLHOOK_RETRY_SCHEDULE: '1h,1h' }, 'endWaits')
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, endWaitsMax + 1)
  await world.run(minute)
  world.receiver.answer = () => accepted
  await patchEndpoint(world, { paused: true })
  await patchEndpoint(world, { paused: false })
  await world.run(minute)
  expect(delivered(world)).toBe(endWaitsMax)
  disk.fails = false
  await world.run(5 * second)
  expect(delivered(world)).toBe(endWaitsMax + 1)
})

it('endpoints that recover in one commit share what it may write', async () => {
  const { world, commits } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
  const both = ['one', 'two'].map((name) => `https://${name}.example.com/hook`)
  const completeAtBoth = (count: number) => Promise.all(both.map((url) => completeTasks(world, count, url)))
  world.receiver.answer = () => rejected(404)
  await completeAtBoth(endWaitsMax - 100)
  await world.run(minute)
  world.receiver.answer = () => rejected(500)
  await completeAtBoth(20)
  await world.run(second)
  const answers: ((outcome: typeof accepted) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  await completeAtBoth(1)
  while (answers.length < both.length) await world.run(second)
  commits.length = 0
  world.receiver.answer = () => accepted
  for (const answer of answers) answer(accepted)
  await world.run(minute)
  expect(delivered(world)).toBe(2 * (endWaitsMax - 100 + 20 + 1))
  // The probes and the endpoints' own rows besides.
  expect(Math.max(...commits)).toBe(endWaitsMax + 4)
})

it('endpoints whose pause ends together have their waits ended in turns', async () => {
  const asked: number[] = []
  const world = openWorld(
    { POLLHOOK_RETRY_SCHEDULE: '1h,1h' },
    {
      wrapStore: (store) => ({
        ...store,
        endWaits(endpointId, ...of) {
          asked.push(endpointId)
          return store.endWaits(endpointId, ...of)
        },
      }),
    },
  )
  world.receiver.answer = () => rejected(404)
  for (const name of ['one', 'two'])
    await completeTasks(world, 3 * endWaitsMax, `https://${name}.example.com/hook`)
  await world.run(minute)
  const { commands, store } = world.relay()
  const { data } = store.listEndpoints(world.ownerId, { limit: 2, cursor: null }, 0)
  for (const paused of [true, false])
    await Promise.all(data.map(({ id }) => commands.updateEndpoint(world.ownerId, id, { paused })))
  await world.run(second)
  const [first, other, ...rest] = asked
  expect(first).not.toBe(other)
  expect(rest.slice(0, 2)).toEqual([first, other])
})

it('a stop waits for the rest of the waits that end, so that all are due after the next start', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 3 * endWaitsMax)
  await world.run(minute)
  world.receiver.answer = () => accepted
  await patchEndpoint(world, { paused: true })
  const { commands } = world.relay()
  await commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused: false })
  await world.after(world.relay().stop().then(world.crash))
  world.start()
  await world.run(minute)
  expect(delivered(world)).toBe(3 * endWaitsMax)
})

it('a probe that is accepted after the stop makes due all that waited', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 3 * endWaitsMax)
  await world.run(minute)
  world.receiver.answer = () => rejected(500)
  await completeTasks(world, 20)
  await world.run(second)
  const answers: ((outcome: typeof accepted) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  await completeTasks(world, 1)
  while (answers.length === 0) await world.run(second)
  const stopped = world.relay().stop().then(world.crash)
  answers[0]!(accepted)
  await world.after(stopped)
  world.receiver.answer = () => accepted
  world.start()
  await world.run(minute)
  expect(delivered(world)).toBe(3 * endWaitsMax + 21)
})

it('what the disk did not take until the outage was over waits no longer either', async () => {
  let refusedId: number | null = null
  let rejections = 0
  let until = 0
  const world: EngineWorld = openWorld(
    { POLLHOOK_RETRY_SCHEDULE: '1h,2h,5h' },
    {
      wrapStore: (store) => ({
        ...store,
        settleDeliveries(items, ...rest) {
          for (const { outcome, delivery } of items) {
            if (outcome.kind !== 'rejected' || ++rejections !== 10) continue
            refusedId = delivery.id
            until = world.elapsed() + 6 * minute
          }
          if (world.elapsed() < until && items.some(({ delivery }) => delivery.id === refusedId))
            throw new Error('database or disk is full')
          return store.settleDeliveries(items, ...rest)
        },
      }),
    },
  )
  world.receiver.answer = () => rejected(500)
  for (let n = 0; n < 12; n++) {
    await completeTasks(world, 1)
    await world.run(6 * second)
  }
  world.receiver.answer = () => accepted
  await completeTasks(world, 1)
  await world.run(12 * minute)
  expect(refusedId).not.toBeNull()
  expect(world.db.all(sql`select state, count(*) as n from deliveries group by state`)).toEqual([
    { state: 'delivered', n: 13 },
  ])
})
