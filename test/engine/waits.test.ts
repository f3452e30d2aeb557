/** CONTRACT §4.5: what waits at an endpoint that is well again is due at once, however much it is, in small commits. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { endWaitsMax } from '../../src/store/endpoints.ts'
import type { Store } from '../../src/store/store.ts'
import { accepted, completeTasks, type EngineWorld, minute, openWorld, rejected, second } from './world.ts'

/** Counts what each verb writes that ends waits. */
function openCounted(env: Record<string, string>) {
  const commits: number[] = []
  const counted =
    <A extends unknown[], R>(verb: (...of: A) => R) =>
    (...of: A): R => {
      const before = written()
      const result = verb(...of)
      commits.push(written() - before)
      return result
    }
  const wrapStore = (store: Store): Store => ({
    ...store,
    endWaits: counted(store.endWaits),
    updateEndpoint: counted(store.updateEndpoint),
    settleDeliveries: counted(store.settleDeliveries),
  })
  const world = openWorld(env, { wrapStore })
  const written = () => world.db.all<{ n: number }>(sql`select total_changes() as n`)[0]!.n
  return { world, commits }
}

async function setPaused(world: EngineWorld, paused: boolean): Promise<void> {
  const { commands } = world.relay()
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused }))
}

const delivered = (world: EngineWorld) =>
  world.db.all<{ n: number }>(sql`select count(*) as n from deliveries where state = 'delivered'`)[0]!.n

it('the end of a pause makes five thousand that wait due, some hundreds a commit', async () => {
  const { world, commits } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '1h,1h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 5_000)
  await world.run(minute)
  expect(world.sent).toHaveLength(5_000)
  await setPaused(world, true)
  world.receiver.answer = () => accepted
  commits.length = 0
  await setPaused(world, false)
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
  const { world } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '30m,2h,2h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 3 * endWaitsMax)
  await world.run(minute)
  await setPaused(world, true)
  await setPaused(world, false)
  await world.run(20 * minute)
  expect(world.sent).toHaveLength(2 * 3 * endWaitsMax)
})

it('a disk that fails meanwhile is tried again', async () => {
  let broken = true
  const world = openWorld(
    { POLLHOOK_RETRY_SCHEDULE: '1h,1h' },
    {
      wrapStore: (store) => ({
        ...store,
        endWaits(...of) {
          if (broken) throw new Error('disk I/O error')
          return store.endWaits(...of)
        },
      }),
    },
  )
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, endWaitsMax + 1)
  await world.run(minute)
  world.receiver.answer = () => accepted
  await setPaused(world, true)
  await setPaused(world, false)
  await world.run(minute)
  expect(delivered(world)).toBe(endWaitsMax)
  broken = false
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
  const { world } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 3 * endWaitsMax)
  await world.run(minute)
  world.receiver.answer = () => accepted
  await setPaused(world, true)
  const { commands } = world.relay()
  await commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused: false })
  await world.after(world.relay().stop().then(world.crash))
  world.start()
  await world.run(minute)
  expect(delivered(world)).toBe(3 * endWaitsMax)
})

it('a probe that is accepted after the stop makes due all that waited', async () => {
  const { world } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
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

it.each<[string, (world: EngineWorld, ids: readonly string[]) => Promise<void>]>([
  [
    'the success of a test ends an outage',
    async (world, ids) => {
      world.receiver.answer = () => accepted
      for (const id of ids) await world.after(world.relay().commands.sendTest(world.ownerId, id))
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
      await setPaused(world, true)
      for (const id of ids) await world.after(world.relay().commands.sendTest(world.ownerId, id))
      world.receiver.answer = () => accepted
      await setPaused(world, false)
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
  const { world } = openCounted({ POLLHOOK_RETRY_SCHEDULE: '2h,2h' })
  world.receiver.answer = () => rejected(404)
  await completeTasks(world, 450)
  await world.run(minute)
  await setPaused(world, true)
  const page = { limit: 200, cursor: null }
  for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
    const list = world.relay().store.listSubscriptions(world.ownerId, { ...page, cursor })
    cursor = list.nextCursor
    for (const { id } of list.data) await world.after(world.relay().commands.sendTest(world.ownerId, id))
  }
  world.receiver.answer = () => accepted
  await setPaused(world, false)
  await world.run(2 * minute)
  expect(delivered(world)).toBe(900)
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
