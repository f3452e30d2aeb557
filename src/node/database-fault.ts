/** What to do about a database that SQLite refuses: its own words name neither the file nor a way out. */
import Sqlite from 'better-sqlite3'

/** @returns one line; null when the error says nothing of the kind */
export function databaseFault(error: unknown, path: string): string | null {
  const found = sqliteErrorIn(error)
  if (found === null) return null
  if (!/^SQLITE_(CORRUPT|NOTADB)/.test(found.code))
    return `POLLHOOK_DB: ${path} cannot be used (${found.message}): look at the space of its disk, and at who else holds it`
  return `POLLHOOK_DB: ${path} is damaged (${found.message}): put a back-up in its place, and first remove ${path}-wal and ${path}-shm, which belong to the file before; docs/guides/operate.md has the steps`
}

/** Drizzle's own error has SQLite's as its cause. */
function sqliteErrorIn(error: unknown): InstanceType<typeof Sqlite.SqliteError> | null {
  if (error instanceof Sqlite.SqliteError) return error
  return error instanceof Error ? sqliteErrorIn(error.cause) : null
}
