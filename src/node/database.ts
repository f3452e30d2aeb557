/** The SQLite file on Node: opened, locked against a second Pollhook, migrated. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { type MigrationFolder, migrate } from '../store/migrate.ts'
import * as schema from '../store/schema.ts'
import type { Database } from '../store/transaction.ts'
import { prepareDatabasePath } from './database-path.ts'
import { packageFolder } from './package-folder.ts'

export interface OpenDatabase {
  db: Database
  /** Bytes of the database as SQLite counts its pages. */
  sizeBytes(): number
  /** Copies what is in the write-ahead log into the database. */
  checkpoint(): void
  /** The commit after which the write-ahead log has more pages than this makes a checkpoint by itself. */
  checkpointAfter(pages: number): void
  close(): void
}

const migrationsFolder = join(packageFolder, 'migrations')

/**
 * @param path a file, whose folders are created, or `:memory:`
 * @throws an Error whose message says what to do, when the file is in use, unreadable or not a database
 */
export function openDatabase(path: string): OpenDatabase {
  if (path !== ':memory:') prepareDatabasePath(path)
  const lock = path === ':memory:' ? null : takeLock(`${path}.lock`)
  try {
    const sqlite = new Sqlite(path)
    // Readers and the one writer do not block each other, and Litestream needs it.
    sqlite.pragma('journal_mode = WAL')
    // A 201 survives a power cut: each commit is flushed before it is answered.
    sqlite.pragma('synchronous = FULL')
    // A back-up tool may hold the file for a moment.
    sqlite.pragma('busy_timeout = 5000')
    sqlite.pragma('foreign_keys = ON')
    // Enough that hot pages of 100,000 tasks stay in memory (negative: KiB).
    sqlite.pragma('cache_size = -65536')
    const db = drizzle(sqlite, { schema })
    migrate(db, readMigrations())
    return {
      db,
      sizeBytes: () =>
        Number(sqlite.pragma('page_count', { simple: true })) *
        Number(sqlite.pragma('page_size', { simple: true })),
      checkpoint: () => void sqlite.pragma('wal_checkpoint(PASSIVE)'),
      checkpointAfter: (pages) => void sqlite.pragma(`wal_autocheckpoint = ${pages}`),
      close() {
        sqlite.close()
        lock?.close()
      },
    }
  } catch (error) {
    lock?.close()
    throw error
  }
}

/**
 * A second Pollhook on the file is refused by an exclusive transaction on a file beside it: the operating
 * system frees it with the process, and other readers still open the database (DESIGN §4).
 */
function takeLock(path: string): { close(): void } {
  const lock = new Sqlite(path, { timeout: 0 })
  try {
    lock.pragma('journal_mode = DELETE')
    lock.exec('BEGIN EXCLUSIVE')
    return { close: () => lock.close() }
  } catch (error) {
    lock.close()
    if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error
    const file = path.slice(0, -'.lock'.length)
    throw new Error(`another Pollhook is using ${file}: stop it first, or set POLLHOOK_DB to another file`)
  }
}

function readMigrations(): MigrationFolder {
  const journal = JSON.parse(
    readFileSync(join(migrationsFolder, 'meta/_journal.json'), 'utf8'),
  ) as MigrationFolder['journal']
  const migrations = Object.fromEntries(
    journal.entries.map(({ tag }) => [
      `m${tag.slice(0, 4)}`,
      readFileSync(join(migrationsFolder, `${tag}.sql`), 'utf8'),
    ]),
  )
  return { journal, migrations }
}
