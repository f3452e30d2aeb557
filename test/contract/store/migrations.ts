/** An empty database and an older one are brought to the newest migration, all of it or nothing. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { migrate } from '../../../src/store/migrate.ts'
import { endpoints, heldAt } from '../../../src/store/schema.ts'
import { type OnEmptyDatabase, openWorld, rejected, start } from './fixture.ts'

export function migrationSuite(on: OnEmptyDatabase): void {
  it('an empty database is brought to the newest migration, and a second run does nothing', () =>
    on(({ db, migrations }) => {
      const all = migrations.journal.entries.length
      expect(migrate(db, migrations)).toBe(all)
      expect(migrate(db, migrations)).toBe(0)
      expect(db.all(sql`select idx from migrations`)).toHaveLength(all)
      expect(db.all(sql`pragma foreign_keys`)).toEqual([{ foreign_keys: 1 }])
    }))

  it('a migration that fails leaves nothing of itself behind, and says why', () =>
    on(({ db, migrations }) => {
      migrate(db, migrations)
      const idx = migrations.journal.entries.length
      const tag = `${String(idx).padStart(4, '0')}_broken`
      const broken =
        'CREATE TABLE half (id integer);--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);'
      const next = {
        journal: { entries: [...migrations.journal.entries, { idx, tag }] },
        migrations: { ...migrations.migrations, [`m${tag.slice(0, 4)}`]: broken },
      }
      expect(() => migrate(db, next)).toThrow()
      expect(db.all(sql`select name from sqlite_master where name = 'half'`)).toEqual([])
      expect(migrate(db, migrations)).toBe(0)
    }))

  it('what waited behind a head that was never tried is due with it since 0001', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = [world.subscribe(), world.subscribe(), world.subscribe()]
      for (const { taskToken } of made) {
        for (const status of ['queued', 'encoding', 'saving']) world.poll(taskToken, { status })
      }
      world.settle(world.rows()[3]!, rejected(500))
      world.store.updateSubscription(world.acme, made[2]!.id, { state: 'paused' }, start)
      const before = world.rows().map(({ dueAt }) => dueAt)
      // As it was before; what came after fits it all the same.
      empty.db.run(sql`update deliveries set due_at = null where type <> 'task.queued'`)
      empty.db.run(sql`delete from migrations where idx = 1`)
      expect(migrate(empty.db, empty.migrations)).toBe(1)
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual(before)
      expect(before).toEqual([start, start, start, start + 5_000, null, null, heldAt, null, null])
    }))

  it('a database of a newer version is refused', () =>
    on(({ db, migrations }) => {
      migrate(db, migrations)
      db.run(sql`insert into migrations (idx, tag) values (99, '0099_later')`)
      expect(() => migrate(db, migrations)).toThrow('newer Pollhook')
    }))

  it('a UNIQUE violation reaches the caller with its name, and rolls its transaction back', () =>
    on((empty) => {
      const { db, acme } = openWorld(empty)
      const row = { publicId: 'ep_1', ownerId: acme, origin: 'https://app.example.com' }
      const causes: string[] = []
      try {
        db.transaction(() => {
          db.insert(endpoints).values(row).run()
          db.insert(endpoints).values(row).run()
        })
      } catch (error) {
        for (let at = error; at instanceof Error; at = at.cause) causes.push(at.message)
      }
      expect(causes.join('\n')).toContain('UNIQUE constraint failed: endpoints.public_id')
      expect(db.select().from(endpoints).all()).toEqual([])
    }))
}
