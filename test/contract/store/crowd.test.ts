/** A task with more subscriptions than a call may have arguments. */
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { ownerFloor } from '../../../src/core/ids.ts'
import { openWorld, start, type World } from './fixture.ts'
import { openOnNode } from './on-node.ts'

/** Copies of the only subscription. */
function addCopies({ db }: World, count: number): void {
  const names = db.all<{ name: string }>(sql`select name from pragma_table_info('subscriptions')`)
  const others = sql.raw(names.flatMap(({ name }) => (name === 'id' ? [] : name)).join(', '))
  db.run(sql`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count})
    insert into subscriptions (id, ${others}) select first.id + n, ${others}
    from counted, (select * from subscriptions limit 1) first`)
}

test('a task that very many follow is polled, and forgotten once it has ended', () => {
  const database = openOnNode()
  const world = openWorld(database)
  const { taskToken, expiresAt } = world.subscribe({ events: ['task.saving'] })
  addCopies(world, 130_000)
  expect(world.poll(taskToken, { status: 'encoding' }).watch).toMatchObject({ expiresAt })
  world.poll(taskToken, { status: 'completed' })
  expect(world.store.forgetFinished(ownerFloor(world.acme), start + 1)).toMatchObject({ tasks: 1 })
  database.close()
})
