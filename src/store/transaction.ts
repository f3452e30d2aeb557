/**
 * The database as both runtimes have it, and the one way to write to it. Knows no tables.
 */
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core'
import type * as schema from './schema.ts'

/** `drizzle-orm/better-sqlite3` and `drizzle-orm/durable-sqlite` are both of this type (DESIGN §3.1). */
export type Database = BaseSQLiteDatabase<'sync', unknown, typeof schema>

/** Of transactions that could not begin, as another program holds the file: what else is tried would wait for it as long. */
const notBegun = new WeakSet<Error>()

export function didNotBegin(error: unknown): boolean {
  return error instanceof Error && notBegun.has(error)
}

/** What is to be told once the transaction that is open is on disk. */
const untold = new WeakMap<Database, (() => void)[]>()

/**
 * Runs `work` in one transaction, or in a part of the one that is open. A promise is refused: on Node an async callback
 * throws, in a Durable Object it would commit half (DESIGN §4).
 */
export function inTransaction<T>(db: Database, work: () => T extends PromiseLike<unknown> ? never : T): T {
  const outer = untold.get(db)
  const tell = outer ?? []
  const toldBefore = tell.length
  untold.set(db, tell)
  let result: T
  let begun = false
  try {
    result = db.transaction(
      () => {
        begun = true
        const done = work()
        if (isPromise(done)) throw new Error('a transaction must not wait for a promise')
        return done
      },
      // One that reads first and finds another writer later, a back-up tool for one, fails at once: SQLite waits at the begin only.
      { behavior: 'immediate' },
    )
  } catch (error) {
    tell.length = toldBefore
    if (!begun && error instanceof Error) notBegun.add(error)
    throw error
  } finally {
    if (outer === undefined) untold.delete(db)
  }
  if (outer === undefined) for (const one of tell) one()
  return result
}

/** What is rolled back is never told. */
export function afterCommit(db: Database, tell: () => void): void {
  const waiting = untold.get(db)
  if (waiting === undefined) tell()
  else waiting.push(tell)
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value
}
