/** The error of a transaction that could not begin, as another program holds the file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { openDatabase } from '../../src/node/database.ts'
import { inTransaction } from '../../src/store/transaction.ts'

export function lockedError(): Error {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-locked-'))
  const file = join(folder, 'some.db')
  const { db, close } = openDatabase(file)
  const other = new Sqlite(file)
  try {
    db.run(sql`pragma busy_timeout = 0`)
    other.exec('begin immediate')
    inTransaction(db, () => null)
    throw new Error('the transaction began')
  } catch (error) {
    return error as Error
  } finally {
    other.close()
    close()
    rmSync(folder, { recursive: true })
  }
}
