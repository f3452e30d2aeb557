/** What to do about a database that SQLite finds damaged: its own words name neither the file nor a way out. */
import Sqlite from 'better-sqlite3'

/** @returns one line; null when the error says nothing of the kind */
export function databaseFault(error: unknown, path: string): string | null {
  const found = damageIn(error)
  if (found === null) return null
  return `POLLHOOK_DB: ${path} is damaged (${found.message}): put a back-up in its place, and first remove ${path}-wal and ${path}-shm, which belong to the file before; docs/guides/operate.md has the steps`
}

/** Drizzle's own error has SQLite's as its cause. */
function damageIn(error: unknown): Error | null {
  if (!(error instanceof Error)) return null
  const damaged = error instanceof Sqlite.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)
  return damaged ? error : damageIn(error.cause)
}
