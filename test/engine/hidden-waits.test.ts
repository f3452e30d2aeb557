/** CONTRACT §4.5: what waits behind a test or a redelivery waits no longer either, once its endpoint is well again. */
import { expect, it } from 'vitest'
import { hiddenQueuesMax } from '../../src/store/waits.ts'
import { delivered, openCounted, openFailing } from './waits.ts'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  hour,
  minute,
  openWorld,
  patchEndpoint,
  rejected,
  second,
  sendTest,
  types,
} from './world.ts'

it.each<[string, (world: EngineWorld, ids: readonly string[]) => Promise<void>]>([
  [
    'the success of a test ends an outage',
    async (world, ids) => {
      world.receiver.answer = () => accepted
      for (const id of ids) await sendTest(world, id)
    },
  ],
  [
    'the success of a redelivery ends an outage',
    async (world) => {
      await world.after(world.relay().commands.redeliverMany(world.ownerId, { dryRun: false }))
      world.receiver.answer = () => accepted
    },
  ],
  [
    'a pause ends, in which tests were made,',
    async (world, ids) => {
      await patchEndpoint(world, { paused: true })
      for (const id of ids) await sendTest(world, id)
      world.receiver.answer = () => accepted
      await patchEndpoint(world, { paused: false })
    },
  ],
])('%s, and what waits behind it waits no longer either', async (_what, recover) => {
  const world = openWorld()
  world.receiver.answer = () => rejected(503)
  const made = []
  for (let n = 0; n < 3; n++) made.push(await world.register())
  await world.run(2 * minute)
  for (const { taskToken } of made) world.statuses.set(taskToken, { status: 'completed' })
  await world.run(8 * 60 * minute)
  await recover(
    world,
    made.map(({ id }) => id),
  )
  await world.run(10 * minute)
  for (const one of made) {
    const end = world.deliveries(one).find(({ type }) => type === 'task.completed')
    expect(end).toMatchObject({ state: 'delivered' })
  }
})

it('what waits behind hundreds of tests waits no longer either, some hundreds of queues a commit', async () => {
  const { world, commits } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '2h,2h' }, ['endHiddenWaits'])
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 450)
  await world.run(minute)
  await patchEndpoint(world, { paused: true })
  const page = { limit: 200, cursor: null }
  for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
    const list = world.relay().store.listSubscriptions(world.ownerId, { ...page, cursor })
    cursor = list.nextCursor
    for (const { id } of list.data) await sendTest(world, id)
  }
  world.receiver.answer = () => accepted
  await patchEndpoint(world, { paused: false })
  await world.run(2 * minute)
  expect(delivered(world)).toBe(900)
  expect(Math.max(...commits)).toBe(hiddenQueuesMax)
})

it('what fails again meanwhile, and is behind another test by then, waits by its schedule', async () => {
  const { world, disk } = openFailing({ POLLHOOK_RETRY_SCHEDULE: '1h,2h' }, 'endHiddenWaits')
  world.receiver.answer = () => rejected(404)
  const [one] = await completeTasks(world, 1)
  await world.run(minute)
  await patchEndpoint(world, { paused: true })
  await sendTest(world, one!.id)
  world.receiver.answer = ({ type }) => (type === 'pollhook.test' ? accepted : rejected(404))
  await patchEndpoint(world, { paused: false })
  await world.run(2 * second)
  expect(types(world)).toEqual(['task.completed', 'pollhook.test', 'task.completed'])
  world.receiver.answer = () => world.later(minute, accepted)
  await sendTest(world, one!.id)
  disk.fails = false
  await world.run(hour)
  expect(types(world).slice(3)).toEqual(['pollhook.test'])
})
