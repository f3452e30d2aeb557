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
 * @throws an Error whose message says what to do, when the file is in use, unreadable, not a database or another program's
 */
export function openDatabase(path: string): OpenDatabase {
  const lock = path === ':memory:' ? null : takeFile(path)
  try {
    const sqlite = new Sqlite(path)
    // Readers and the one writer do not block each other, and Litestream needs it.
    sqlite.pragma('journal_mode = WAL')
    // A 201 survives a power cut: each commit is flushed before it is answered.
    sqlite.pragma('synchronous = FULL')
    // A back-up tool may hold the file for a moment.
    sqlite.pragma('busy_timeout = 5000')
    sqlite.pragma('foreign_keys = ON')
    // KiB (negative). Not more: a commit after a page was split goes through all that is cached (docs/performance.md).
    sqlite.pragma('cache_size = -16384')
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

/** By its real path: a second Pollhook may name the same file through a symbolic link. */
function takeFile(path: string): { close(): void } {
  const file = prepareDatabasePath(path)
  refuseForeign(path)
  return takeLock(`${file}.lock`, path)
}

/**
 * Looked at before anything is written, the lock beside it included, and by a reader: a writer that closes the file
 * would copy the other program's write-ahead log into it.
 * @throws when the file is not a database, or one that Pollhook did not make
 */
function refuseForeign(path: string): void {
  const advice = 'set POLLHOOK_DB to another file; for example POLLHOOK_DB=data/pollhook.db'
  let foreign: boolean
  try {
    foreign = isForeign(path)
  } catch (error) {
    const code = error instanceof Sqlite.SqliteError ? error.code : ''
    if (code === 'SQLITE_NOTADB') throw new Error(`${path} is not an SQLite database: ${advice}`)
    // What only a reader cannot read, such as a file whose last writer crashed, opens a moment later.
    return
  }
  if (foreign) throw new Error(`${path} is another program's database: ${advice}`)
}

/** An empty one is nobody's. */
function isForeign(path: string): boolean {
  const sqlite = new Sqlite(path, { readonly: true, timeout: 5000 })
  try {
    // Litestream, which may come first, and SQLite itself keep tables in everybody's databases.
    const tables = sqlite.prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table'
        AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_litestream_*'`,
    )
    // Others have a table of that name too, with other columns.
    const ours = sqlite.prepare(
      "SELECT name FROM pragma_table_info('migrations') WHERE name IN ('idx', 'tag')",
    )
    return tables.all().length > 0 && ours.all().length < 2
  } finally {
    sqlite.close()
  }
}

/**
 * A second Pollhook on the file is refused by an exclusive transaction on a file beside it: the operating
 * system frees it with the process, and other readers still open the database (DESIGN §4).
 */
function takeLock(lockPath: string, path: string): { close(): void } {
  const lock = new Sqlite(lockPath, { timeout: 0 })
  try {
    lock.pragma('journal_mode = DELETE')
    lock.exec('BEGIN EXCLUSIVE')
    return { close: () => lock.close() }
  } catch (error) {
    lock.close()
    if (!(error instanceof Sqlite.SqliteError)) throw error
    // The database, which was not looked at yet, may be sound.
    if (!error.code.startsWith('SQLITE_BUSY'))
      throw new Error(
        `${lockPath} cannot be used as a lock (${error.message}): remove it while no Pollhook uses ${path}`,
      )
    throw new Error(
      `another Pollhook is using ${path}: stop it first, or set POLLHOOK_DB to another file; for example POLLHOOK_DB=data/other.db`,
    )
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
