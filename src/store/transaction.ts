/**
 * The database as both runtimes have it, and the one way to write to it. Knows no tables.
 */
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import type * as schema from './schema.ts'

/** `drizzle-orm/better-sqlite3` and `drizzle-orm/durable-sqlite` are both of this type (DESIGN §3.1). */
export type Database = BaseSQLiteDatabase<'sync', unknown, typeof schema>

/**
 * Runs `work` in one transaction. A promise is refused: on Node an async callback throws, in a Durable
 * Object it would commit half (DESIGN §4).
 */
export function inTransaction<T>(db: Database, work: () => T extends PromiseLike<unknown> ? never : T): T {
  return db.transaction(() => {
    const result = work()
    if (isPromise(result)) throw new Error('a transaction must not wait for a promise')
    return result
  })
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}
