/** An owner with very many endpoints that fail, as one with an origin for each customer may have. */
import { sql } from 'drizzle-orm'
import { expect, it, vi } from 'vitest'
import { openWorld, rejected, second } from './world.ts'

it('one pass looks at some of them, and the next goes on', async () => {
  const count = 2_000
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const { taskToken } = await world.register()
  await world.change(taskToken, { status: 'queued' })
  world.crash()
  const copies = (table: string, changed: Record<string, string>) => {
    const names = world.db.all<{ name: string }>(sql.raw(`select name from pragma_table_info('${table}')`))
    const values = names.map(({ name }) => changed[name] ?? name).join(', ')
    world.db.run(
      sql.raw(`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count})
        insert into ${table} select ${values} from counted, (select * from ${table} order by id desc limit 1)`),
    )
  }
  const place = { id: 'id + n', endpoint_id: 'endpoint_id + n', subscription_id: 'subscription_id + n' }
  copies('endpoints', { ...place, public_id: 'public_id || n', origin: 'origin || n' })
  copies('subscriptions', place)
  copies('deliveries', place)
  world.db.run(sql`update deliveries set due_at = created_at`)
  // No probe is due for a long time, and no test: each is looked at, and none is sent anything.
  world.db.run(sql`update endpoints set failures = 10, next_probe_at = 8000000000000`)
  world.start()
  const { store } = world.relay()
  const looks = vi.spyOn(store, 'dueTests')
  const reads = vi.spyOn(store, 'endpointState')
  world.relay().pass()
  expect(looks.mock.calls.length).toBeGreaterThan(0)
  expect(looks.mock.calls.length).toBeLessThanOrEqual(500)
  expect(reads.mock.calls.length).toBeLessThanOrEqual(500)
  await world.run(second)
  expect(new Set(looks.mock.calls.map(([endpointId]) => endpointId)).size).toBe(count + 1)
})
