/** A task with more subscriptions than a call may have arguments. */
import { expect, test } from 'vitest'
import { ownerFloor } from '../../../src/core/ids.ts'
import { subscriptions } from '../../../src/store/schema.ts'
import { addRows, openWorld, start } from './fixture.ts'
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
