/** A task with more subscriptions than a call may have arguments. */
import { expect, test } from 'vitest'
import { ownerFloor } from '../../../src/core/ids.ts'
import { subscriptions } from '../../../src/store/schema.ts'
import { addRows, inputOf, noQuota, openWorld, start } from './fixture.ts'
import { openOnNode } from './on-node.ts'

test('a task that very many follow is polled, and forgotten once it has ended', () => {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken, expiresAt } = world.subscribe({ events: ['task.saving'] })
  addRows(world, subscriptions, 130_000)
  expect(world.poll(taskToken, { status: 'encoding' }).watch).toMatchObject({ expiresAt })
  world.poll(taskToken, { status: 'completed' })
  expect(world.store.forgetFinished(ownerFloor(world.acme), start + 1)).toMatchObject({ tasks: 1 })
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
