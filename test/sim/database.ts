/**
 * The disk: real SQLite in memory that keeps over a crash what was committed and nothing else. The
 * connection of a dead incarnation is closed, so that whatever is left of it cannot touch the store.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { type MigrationFolder, migrate } from '../../src/store/migrate.ts'
import * as schema from '../../src/store/schema.ts'
import type { Database } from '../../src/store/transaction.ts'

export type Connection = InstanceType<typeof Sqlite>

export interface CommitHooks {
  /** Before the commit; what it throws rolls back. */
  committing(): void
  /** After it; what it throws reaches the verb's caller, but the commit stands. */
  committed(): void
  rolledBack(error: unknown): void
}

const folder = join(import.meta.dirname, '../../migrations')
let migrated: Buffer | null = null

/** A migrated, empty database, made once. */
export function emptyImage(): Buffer {
  if (migrated !== null) return migrated
  const sqlite = new Sqlite(':memory:')
  const journal = JSON.parse(
    readFileSync(join(folder, 'meta/_journal.json'), 'utf8'),
  ) as MigrationFolder['journal']
  const migrations = Object.fromEntries(
    journal.entries.map(({ tag }) => [
      `m${tag.slice(0, 4)}`,
      readFileSync(join(folder, `${tag}.sql`), 'utf8'),
    ]),
  )
  migrate(drizzle(sqlite, { schema }), { journal, migrations })
  migrated = sqlite.serialize()
  sqlite.close()
  return migrated
}

export function openImage(image: Buffer): Connection {
  const sqlite = new Sqlite(image)
  sqlite.pragma('foreign_keys = ON')
  return sqlite
}

/** The database as the relay gets it, every commit watched. */
export function databaseOf(sqlite: Connection, hooks: CommitHooks): Database {
  const db: Database = drizzle(sqlite, { schema })
  const transaction: Database['transaction'] = (work, config) => {
    const result = commit(() =>
      db.transaction((tx) => {
        const value = work(tx)
        hooks.committing()
        return value
      }, config),
    )
    hooks.committed()
    return result
  }
  function commit<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      hooks.rolledBack(error)
      throw error
    }
  }
  return Object.create(db, { transaction: { value: transaction } }) as Database
}

const statements = new WeakMap<Connection, Map<string, Sqlite.Statement>>()

/** A look at the database, prepared once for each connection. */
export function statement(sqlite: Connection, sql: string): Sqlite.Statement {
  const known = statements.get(sqlite) ?? new Map<string, Sqlite.Statement>()
  statements.set(sqlite, known)
  const found = known.get(sql) ?? sqlite.prepare(sql)
  known.set(sql, found)
  return found
}
