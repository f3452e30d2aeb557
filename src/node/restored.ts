/** Tells a database file that it is a back-up put back. Needs no configuration but where the file is. */
import { existsSync } from 'node:fs'
import { type Environment, readDatabasePath } from '../config.ts'
import { markRestored } from '../store/numbering.ts'
import { openDatabase } from './database.ts'
import { databaseFault } from './database-fault.ts'

export interface Restored {
  path: string
  tasks: number
  /** What those tasks are told from now on has a higher one. */
  seq: number
}

/** @throws an Error whose message says what to do, when the file is missing, in use, damaged or another program's */
export function restored(env: Environment, now: number): Restored {
  const path = readDatabasePath(env)
  // Opened it would be made, and nothing would be wrong with it.
  if (!existsSync(path)) throw new Error(`POLLHOOK_DB: there is no file ${path}: put the back-up there first`)
  try {
    const database = openDatabase(path)
    try {
      const { tasks, seq } = markRestored(database.db, now)
      return { path, tasks, seq }
    } finally {
      database.close()
    }
  } catch (error) {
    const fault = databaseFault(error, path)
    throw fault === null ? error : new Error(fault, { cause: error })
  }
}
