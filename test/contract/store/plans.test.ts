/** What SQLite must not read from end to end: with a million rows the relay would stand still meanwhile. */
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { ownerFloor } from '../../../src/core/ids.ts'
import { accepted, openWorld, rejected, start, type World } from './fixture.ts'
import { openOnNode } from './on-node.ts'

test('what is due first is found by jumping from endpoint to endpoint', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const { db, store } = openWorld(database)
  for (const read of [() => store.oldestDueAt(start), () => store.waitingEndpoints()]) {
    statements.length = 0
    read()
    const steps = db
      .all<{ detail: string }>(sql.raw(`explain query plan ${statements[0]}`))
      .map(({ detail }) => /deliveries_due.*|SCAN deliveries.*/.exec(detail)?.[0])
    expect(new Set(steps.filter((step) => step !== undefined))).toEqual(
      new Set([
        // Its first entry: the smallest endpoint.
        'deliveries_due',
        'deliveries_due (endpoint_id>?)',
        'deliveries_due (endpoint_id=? AND due_at>?)',
      ]),
    )
  }
  database.close()
})

test('the first failure after a while goes to the tasks that fail, not through all that are polled', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const { db, store, subscribe, poll } = openWorld(database)
  const { taskToken } = subscribe()
  poll(taskToken, { kind: 'failed' })
  statements.length = 0
  poll(taskToken, { kind: 'failed' }, start + 600_000)
  const gap = statements.filter((text) => text.startsWith('update tasks set failing_since'))
  const plans = gap.map((text) => db.all<{ detail: string }>(sql.raw(`explain query plan ${text}`)))
  expect(plans).toEqual([[expect.objectContaining({ detail: expect.stringContaining('tasks_failing') })]])
  expect(store.watchesOf([taskToken]).get(taskToken)?.failingSince).toBe(start + 600_000)
  database.close()
})

test('tests of an endpoint are found among those that are due, not among all that waits for it', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const { db, store } = openWorld(database)
  statements.length = 0
  store.dueTests(1, start, 32)
  const plan = db.all<{ detail: string }>(sql.raw(`explain query plan ${statements[0]}`))
  expect(plan).toEqual([
    expect.objectContaining({
      detail: 'SEARCH deliveries USING INDEX deliveries_tests (endpoint_id=? AND due_at<?)',
    }),
  ])
  database.close()
})

test('the next test of a queue is found in an index, and not sorted, however many wait', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { id } = world.subscribe()
  for (const times of [1, 2, 3]) {
    statements.length = 0
    world.store.sendTest(world.acme, id, start + times)
    // Only the first puts the queue in order, for which all of it is read.
    const ordering = statements.filter((text) => text.startsWith('update'))
    expect(ordering).toHaveLength(times === 1 ? 2 : 0)
  }
  const [head, next] = world.rows()
  statements.length = 0
  world.settle(head!, accepted)
  const promotion = statements.find((text) => text.includes('coalesce('))!
  expect(planOf(world, promotion)).toContain(
    'SEARCH q USING COVERING INDEX deliveries_urgent (endpoint_id=? AND subscription_id=? AND rank<?)',
  )
  expect(planOf(world, promotion).filter((step) => step.includes('B-TREE'))).toEqual([])
  expect(world.store.dueTests(1, start + 9, 32).map((due) => due.id)).toEqual([next!.id])
  database.close()
})

test('to cancel a subscription takes a few statements, however much waits for it', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { id } = world.subscribe()
  for (let n = 0; n < 100; n++) world.store.sendTest(world.acme, id, start)
  statements.length = 0
  world.store.cancelSubscription(world.acme, id, start)
  expect(statements.length).toBeLessThan(14)
  expect(
    new Set(world.rows().map(({ state, stateReason, dueAt }) => [state, stateReason, dueAt].join())),
  ).toEqual(new Set(['cancelled,requested,']))
  database.close()
})

function planOf({ db }: World, statement: string): string[] {
  return db
    .all<{ detail: string }>(sql.raw(`explain query plan ${statement}`))
    .map(({ detail }) => detail)
    .filter((detail) => !/SUBQUERY|json_each|BLOOM/.test(detail))
}

test('what waits at an endpoint is found in the index of what is due, and not sorted', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  statements.length = 0
  world.store.endWaits(1, start)
  expect(planOf(world, statements[0]!)).toEqual([
    'SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH deliveries USING COVERING INDEX deliveries_due (endpoint_id=? AND due_at>? AND due_at<?)',
  ])
  // And the queues in which a test or a redelivery is before it.
  statements.length = 0
  world.store.endHiddenWaits(1, start, { except: [], after: 0 })
  const queues = statements.find((text) => text.startsWith('select distinct'))!
  expect(planOf(world, queues)).toEqual([
    'SEARCH deliveries USING COVERING INDEX deliveries_urgent (endpoint_id=? AND subscription_id>?)',
  ])
  database.close()
})

test('what waits when the clock is set back is found in the indexes of what waits, not among all that was sent', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  statements.length = 0
  world.store.clockWentBack(1_000, start)
  const update = statements.find((text) => text.startsWith('update "deliveries"'))!
  expect(planOf(world, update).filter((step) => step.includes(' deliveries '))).toEqual([
    'SEARCH deliveries USING INDEX deliveries_subscription (subscription_id=?)',
    'SCAN deliveries USING COVERING INDEX deliveries_due',
    'SCAN deliveries USING COVERING INDEX deliveries_urgent',
    'SCAN deliveries USING COVERING INDEX deliveries_due',
  ])
  expect(planOf(world, update)).toContain(
    'SEARCH d EXISTS USING INDEX deliveries_subscription (subscription_id=? AND rowid>?)',
  )
  database.close()
})

test('what is sent again by a filter takes a few statements, however much it is', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { id: subscriptionId } = world.subscribe()
  for (let n = 0; n < 100; n++) world.store.sendTest(world.acme, subscriptionId, start)
  for (const { id } of world.rows()) {
    for (const attempts of [0, 1]) world.settle({ id, attempts }, rejected(500), start + attempts * 60_000)
  }
  statements.length = 0
  const all = { state: 'exhausted', dryRun: false } as const
  expect(world.store.redeliverBatch(world.acme, all, 0, start).count).toBe(100)
  expect(statements.length).toBeLessThan(12)
  database.close()
})

test('what is forgotten with its task takes a few statements, however much it is, and no table is read for it', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { id, taskToken } = world.subscribe()
  for (let n = 0; n < 100; n++) world.store.sendTest(world.acme, id, start)
  world.poll(taskToken, { status: 'completed' })
  statements.length = 0
  const forgotten = world.store.forgetFinished(ownerFloor(world.acme), start + 1)
  expect(forgotten).toMatchObject({ tasks: 1, deliveries: 101, pending: 101 })
  expect(statements.length).toBeLessThan(14)
  const deletion = statements.find((text) => text.startsWith('delete from "deliveries"'))!
  expect(planOf(world, deletion)).toEqual([
    'SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH s USING COVERING INDEX subscriptions_task (task_token=? AND rowid>?)',
    'SEARCH d USING COVERING INDEX deliveries_subscription (subscription_id=?)',
  ])
  database.close()
})

test('a commit of the retention that ends amid a queue leaves its head', () => {
  const database = openOnNode(() => {})
  const world = openWorld(database)
  const { id, taskToken } = world.subscribe()
  for (let n = 0; n < 500; n++) world.store.sendTest(world.acme, id, start)
  world.poll(taskToken, { status: 'completed' })
  const [head] = world.rows()
  let step = world.store.forgetFinished(0, start + 1)
  while (step.deliveries === 0 && step.after !== null)
    step = world.store.forgetFinished(step.after, start + 1)
  expect(world.rows().length).toBeLessThan(500)
  expect(world.rows()[0]).toEqual(head)
  database.close()
})
