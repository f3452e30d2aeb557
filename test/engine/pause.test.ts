/** CONTRACT §2: what a paused endpoint holds, and what the end of the pause makes due. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import {
  accepted,
  completeTasks,
  hour,
  minute,
  newToken,
  openWorld,
  patchEndpoint,
  rejected,
  second,
} from './world.ts'

it('a paused endpoint holds what is made for it and exhausts nothing', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s' })
  const [first] = await completeTasks(world, 1)
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  const [held] = await completeTasks(world, 1)
  await world.run(12 * hour)
  expect(world.sent).toHaveLength(1)
  expect(world.deliveries(held!)[0]).toMatchObject({ state: 'pending', attempts: 0 })
  await patchEndpoint(world, { paused: false })
  await world.run(second)
  expect(world.deliveries(held!)[0]).toMatchObject({ state: 'delivered' })
  expect(world.deliveries(first!)[0]).toMatchObject({ state: 'delivered' })
})

it('what was behind a failure when an endpoint was paused is tried when the pause is over', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1m' })
  const { commands } = world.relay()
  world.receiver.answer = () => rejected(500)
  const token = newToken()
  world.statuses.set(token, { status: 'encoding' })
  const made = await world.register({ taskToken: token })
  const others = await completeTasks(world, 10)
  await world.run(2 * second)
  expect(world.endpoint().state).toBe('failing')
  for (const other of others) await world.after(commands.cancelSubscription(world.ownerId, other.id))
  await world.change(token, { status: 'completed' })
  await patchEndpoint(world, { paused: true })
  await world.run(hour)
  await patchEndpoint(world, { paused: false })
  await world.run(6 * minute)
  const states = () => world.deliveries(made).map(({ state }) => state)
  expect(states()).toEqual(['exhausted', 'pending'])
  world.receiver.answer = () => accepted
  await world.run(5 * minute)
  expect(states()).toEqual(['exhausted', 'delivered'])
})

it('the end of a pause writes what waits for another try, and nothing else of the backlog', async () => {
  const world = openWorld()
  const { id: first } = (await completeTasks(world, 1))[0]!
  await world.run(second)
  const { id } = world.endpoint()
  await patchEndpoint(world, { paused: true })
  const [held] = await completeTasks(world, 20)
  await world.run(second)
  const written = () => world.db.all<{ n: number }>(sql`select total_changes() as n`)[0]!.n
  const before = written()
  const now = held!.createdAt + second
  world.relay().store.updateEndpoint(world.ownerId, id, { paused: false }, now)
  expect(written() - before).toBe(1)
  expect(world.subscription(first).state).toBe('completed')
})
