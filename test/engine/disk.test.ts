/** What a disk that fails keeps from the endpoints. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { completeTasks, minute, openWorld, second } from './world.ts'

it('a full disk stops new attempts before what cannot be settled grows without bound', async () => {
  let full = true
  const world = openWorld(
    { POLLHOOK_DELIVERY_CONCURRENCY: '16', POLLHOOK_ENDPOINT_CONCURRENCY: '16' },
    {
      wrapStore: (store) => ({
        ...store,
        settleDeliveries(...settled) {
          if (full) throw new Error('database or disk is full')
          return store.settleDeliveries(...settled)
        },
      }),
    },
  )
  await completeTasks(world, 1500)
  await world.run(10 * second)
  const sent = world.sent.length
  expect(sent).toBeLessThan(1100)
  await world.run(minute)
  expect(world.sent).toHaveLength(sent)
  full = false
  await world.run(minute)
  const states = world.db.all(sql`select state, count(*) as n from deliveries group by state`)
  expect(states).toEqual([{ state: 'delivered', n: 1500 }])
  expect(world.sent).toHaveLength(1500)
})

it('an endpoint that the disk fails is looked at again by itself, and the others have their turn', async () => {
  let broken = true
  let first: number | undefined
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        dueDeliveries(ids, now) {
          first ??= ids[0]
          if (broken && ids[0] === first) throw new Error('disk I/O error')
          return store.dueDeliveries(ids, now)
        },
      }),
    },
  )
  const [sick] = await completeTasks(world, 1)
  await world.run(second)
  const [well] = await completeTasks(world, 1, 'https://well.example.com/hook')
  await world.run(10 * second)
  expect(world.deliveries(sick!)).toMatchObject([{ state: 'pending', attempts: 0 }])
  expect(world.deliveries(well!)).toMatchObject([{ state: 'delivered' }])
  broken = false
  await world.run(2 * second)
  expect(world.deliveries(sick!)).toMatchObject([{ state: 'delivered' }])
})
