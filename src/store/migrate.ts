/**
 * Brings a database to the newest migration. Our own instead of Drizzle's: under both of its migrators a
 * table rebuild runs with foreign keys on, and the Durable Object one hides errors (DESIGN §4).
 */
import { sql } from 'drizzle-orm'
import { type Database, inTransaction } from './transaction.ts'

export interface MigrationFolder {
  journal: { entries: { idx: number; tag: string }[] }
  /** SQL by `m0000`-style key, as drizzle-kit's `migrations.js` has it. */
  migrations: Record<string, string>
}

const breakpoint = '--> statement-breakpoint'

/** @returns how many migrations ran. @throws what SQLite says, or that the database is newer than the code */
export function migrate(db: Database, folder: MigrationFolder): number {
  const done = appliedMigrations(db)
  const known = folder.journal.entries
  if (done.some((idx) => idx >= known.length)) {
    throw new Error('the database was made by a newer Pollhook: start that version, or restore a back-up')
  }
  const pending = known.filter(({ idx }) => !done.includes(idx))
  if (pending.length === 0) return 0
  // A table rebuild would trip over its children. SQLite honours this before the first write only, and in a Durable
  // Object the way back only after a restart: an empty database, which has no children, keeps its foreign keys on.
  const rebuilds = done.length > 0
  if (rebuilds) db.run(sql.raw('PRAGMA foreign_keys=OFF'))
  db.run(sql.raw('CREATE TABLE IF NOT EXISTS migrations (idx integer PRIMARY KEY, tag text NOT NULL)'))
  for (const entry of pending) inTransaction(db, () => apply(db, entry, folder))
  if (rebuilds) db.run(sql.raw('PRAGMA foreign_keys=ON'))
  return pending.length
}

function appliedMigrations(db: Database): number[] {
  const table = sql.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'migrations'")
  if (db.all(table).length === 0) return []
  return db.all<{ idx: number }>(sql.raw('SELECT idx FROM migrations')).map(({ idx }) => idx)
}

function apply(db: Database, entry: { idx: number; tag: string }, folder: MigrationFolder): null {
  const text = folder.migrations[`m${entry.tag.slice(0, 4)}`]
  if (text === undefined) throw new Error(`migration ${entry.tag} is missing`)
  for (const statement of text.split(breakpoint)) db.run(sql.raw(statement))
  const broken = db.all(sql.raw('PRAGMA foreign_key_check'))
  if (broken.length > 0) throw new Error(`migration ${entry.tag} leaves broken references`)
  db.run(sql`INSERT INTO migrations (idx, tag) VALUES (${entry.idx}, ${entry.tag})`)
  return null
}
