/** A task with more subscriptions than a call may have arguments. */
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { deleteMax } from '../../../src/store/retention.ts'
import { subscriptions } from '../../../src/store/schema.ts'
import { addRows, inputOf, noQuota, openWorld, start, type World } from './fixture.ts'
import { openOnNode } from './on-node.ts'

test('a task that very many follow is polled, and forgotten once it has ended', () => {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken, expiresAt } = world.subscribe({ events: ['task.saving'] })
  addRows(world, subscriptions, 130_000)
  expect(world.poll(taskToken, { status: 'encoding' }).watch).toMatchObject({ expiresAt })
  world.poll(taskToken, { status: 'completed' })
  let tasks = 0
  for (let after: number | null = 0; after !== null; ) {
    const forgotten = world.store.forgetFinished(after, start + 1)
    tasks += forgotten.tasks
    after = forgotten.after
  }
  expect(tasks).toBe(1)
  database.close()
})

const count = ({ db }: World, table: string) =>
  db.all<{ n: number }>(sql.raw(`select count(*) as n from ${table}`))[0]!.n

test('a task that very many followed is forgotten in small commits, and looked through once', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { taskToken } = world.subscribe()
  addRows(world, subscriptions, 5 * deleteMax)
  world.poll(taskToken, { status: 'completed' })
  let left = count(world, 'subscriptions')
  statements.length = 0
  for (let after: number | null = 0; after !== null; ) {
    const forgotten = world.store.forgetFinished(after, start + 1)
    after = forgotten.after
    expect(forgotten.deliveries).toBeLessThanOrEqual(deleteMax)
    const before = left
    left = count(world, 'subscriptions')
    expect(before - left).toBeLessThanOrEqual(deleteMax)
    expect(left > 0).toBe(count(world, 'tasks') > 0)
  }
  expect(['subscriptions', 'deliveries', 'transitions', 'tasks'].map((table) => count(world, table))).toEqual(
    [0, 0, 0, 0],
  )
  expect(statements.filter((text) => text.includes('max(coalesce('))).toHaveLength(1)
  database.close()
})

test('who registers while a task is being forgotten keeps what is left of it', () => {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken } = world.subscribe()
  addRows(world, subscriptions, 2 * deleteMax)
  world.poll(taskToken, { status: 'completed' })
  let step = world.store.forgetFinished(0, start + 1)
  while (step.deliveries === 0) step = world.store.forgetFinished(step.after!, start + 1)
  const late = world.subscribe({ taskToken, ownerId: world.other }, start + 2)
  const left = count(world, 'subscriptions')
  while (step.after !== null) step = world.store.forgetFinished(step.after, start + 1)
  expect(count(world, 'subscriptions')).toBe(left)
  expect(world.store.subscription(world.other, late.id)).toMatchObject({ state: 'completed' })
  expect(world.store.task(world.other, taskToken)?.transitions).toHaveLength(1)
  database.close()
})

test('a task that somebody else keeps is looked through once a round, however many subscriptions ended', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { taskToken } = world.subscribe()
  addRows(world, subscriptions, 1_000)
  world.poll(taskToken, { status: 'completed' })
  world.subscribe({ taskToken, ownerId: world.other }, start + 2)
  for (const round of [1, 2]) {
    for (let after: number | null = 0; after !== null; )
      after = world.store.forgetFinished(after, start + 1).after
    expect(statements.filter((text) => text.includes('max(coalesce('))).toHaveLength(round)
  }
  expect(count(world, 'subscriptions')).toBe(1_002)
  database.close()
})

test('who registers again and again for what has ended has none of those before looked at', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { taskToken } = world.subscribe()
  world.poll(taskToken, { status: 'completed' })
  const again = Array.from({ length: 100 }, () => inputOf(world.acme, taskToken))
  const reads = () => {
    statements.length = 0
    world.store.subscribe(again, start, noQuota)
    return statements.filter((text) => text.startsWith('select')).length
  }
  const first = reads()
  expect(first).toBeLessThan(10 * again.length)
  expect(reads()).toBe(first)
  database.close()
})

test('a subscription is registered anew, and once, however many of its kind were cancelled', () => {
  const statements: string[] = []
  const database = openOnNode((text) => statements.push(text))
  const world = openWorld(database)
  const { id, taskToken } = world.subscribe()
  world.store.cancelSubscription(world.acme, id, start)
  addRows(world, subscriptions, 50)
  statements.length = 0
  const twice = [inputOf(world.acme, taskToken), inputOf(world.acme, taskToken)]
  const { results } = world.store.subscribe(twice, start, noQuota)
  expect(results.map(({ kind }) => kind)).toEqual(['created', 'existing'])
  expect(statements.length).toBeLessThan(20)
  database.close()
})
