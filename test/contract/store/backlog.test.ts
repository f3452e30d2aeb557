/** Counting what waits at an endpoint: what it reads, and for how long a long count holds. */
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { backlogKeptMs } from '../../../src/store/backlog.ts'
import { lookMax } from '../../../src/store/look.ts'
import { deliveries } from '../../../src/store/schema.ts'
import { accepted, addRows, openWorld, rejected, start, type World } from './fixture.ts'
import { openOnNode } from './on-node.ts'

const endpointOf = (world: World, now = start) =>
  world.store.listEndpoints(world.acme, { limit: 1, cursor: null }, now).data[0]
const backlogAt = (world: World, now: number) => endpointOf(world, now)?.backlog

/** One delivered, two that wait. */
function openQueue() {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken, id } = world.subscribe()
  world.poll(taskToken, { status: 'queued' }, start)
  world.settle(world.rows()[0]!, accepted)
  world.poll(taskToken, { status: 'encoding' }, start + 1)
  world.poll(taskToken, { status: 'saving' }, start + 2)
  return { database, world, id }
}

test.each<[string, (world: World, id: string) => void, number, number]>([
  ['was tried', (world) => world.settle(world.rows()[1]!, rejected(500)), 2, start + 1],
  [
    'is held by a pause',
    ({ store, acme }, id) => store.updateSubscription(acme, id, { state: 'paused' }, start),
    2,
    start + 1,
  ],
  ['is a test', ({ store, acme }, id) => store.sendTest(acme, id, start + 3), 3, start + 1],
  [
    'is asked for again',
    ({ store, acme }) => {
      const page = store.listDeliveries(acme, { limit: 9, cursor: null })
      store.redeliver(acme, page.data.at(-1)!.id, start + 3)
    },
    3,
    start,
  ],
])('what waits behind a head that %s counts', (_name, change, backlog, oldestWaitingAt) => {
  const { database, world, id } = openQueue()
  expect(endpointOf(world)).toMatchObject({ backlog: 2, oldestWaitingAt: start + 1 })
  change(world, id)
  expect(endpointOf(world)).toMatchObject({ backlog, oldestWaitingAt })
  database.close()
})

test('what a queue has delivered is not read', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  world.poll(world.subscribe().taskToken, { status: 'queued' })
  statements.length = 0
  expect(backlogAt(world, start)).toBe(1)
  const steps = statements
    .filter((text) => text.startsWith('select'))
    .flatMap((text) => world.db.all<{ detail: string }>(sql.raw(`explain query plan ${text}`)))
    .map(({ detail }) => detail)
    .filter((step) => step.includes('deliveries'))
  expect(new Set(steps.map((step) => step.replace(/^SEARCH \S+ USING /, '')))).toEqual(
    new Set([
      'COVERING INDEX deliveries_due (endpoint_id=? AND due_at>?)',
      // Newer than the last of its queue that is due.
      'INDEX deliveries_subscription (subscription_id=? AND rowid>?)',
      'COVERING INDEX deliveries_urgent (endpoint_id=?)',
      // Of the oldest, since when.
      'INTEGER PRIMARY KEY (rowid=?)',
    ]),
  )
  database.close()
})

test('a long count holds for some seconds, a short one not at all', () => {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken } = world.subscribe()
  world.poll(taskToken, { status: 'queued' })
  expect(backlogAt(world, start)).toBe(1)
  addRows(world, deliveries, lookMax - 1)
  expect(backlogAt(world, start)).toBe(lookMax)
  addRows(world, deliveries, 1)
  expect(backlogAt(world, start)).toBe(lookMax + 1)
  addRows(world, deliveries, 1)
  expect(backlogAt(world, start + backlogKeptMs - 1)).toBe(lookMax + 1)
  expect(backlogAt(world, start + backlogKeptMs)).toBe(lookMax + 2)
  addRows(world, deliveries, 1)
  // Also when the clock was set back meanwhile.
  expect(backlogAt(world, start)).toBe(lookMax + 3)
  database.close()
})
