/**
 * Where the database file may lie, looked at before SQLite opens it: SQLite's own words for a wrong path are
 * one sentence for all of them. Knows files and folders, nothing of databases.
 */
import { accessSync, closeSync, constants, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Makes the folders of `file` where they are missing, and an empty file, which SQLite takes for a new database.
 * @returns where the file really lies: SQLite follows symbolic links, and what lies beside it must be beside one file
 * @throws an Error whose message says what is wrong with the path and what to do
 */
export function prepareDatabasePath(file: string): string {
  const path = resolve(file)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory())
    throw new Error(
      `${file} is a folder; name a file in it; for example POLLHOOK_DB=${join(file, 'pollhook.db')}`,
    )
  if (found !== undefined) needWritable(path, `${file} may not be written`)
  prepareFolder(dirname(path))
  if (found === undefined) makeFile(path)
  return realpathSync(path)
}

/** Through a link as well, even one to a file that is yet to be: only what is there has a real path. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', sqliteFileMode))
  } catch (error) {
    throw new Error(`the file ${path} cannot be made (${codeOf(error)}); ${advice}`)
  }
}

/** One at a time: `recursive` never comes back from a folder that no process can make one in, such as /proc. */
function prepareFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) {
    prepareFolder(dirname(folder))
    try {
      mkdirSync(folder)
    } catch (error) {
      // Somebody else made it in the meantime.
      if (codeOf(error) !== 'EEXIST')
        throw new Error(`the folder ${folder} cannot be made (${codeOf(error)}); ${advice}`)
    }
    return
  }
  if (!found.isDirectory()) throw new Error(`${folder} is a file, not a folder; ${advice}`)
  // SQLite writes its journal beside the database.
  needWritable(folder, `the folder ${folder} may not be written`)
}

/** As SQLite makes its own, whatever the umask adds. */
const sqliteFileMode = 0o644

const advice =
  'set POLLHOOK_DB to a file in a folder that this user may write; for example POLLHOOK_DB=data/pollhook.db'

function needWritable(path: string, problem: string): void {
  try {
    accessSync(path, constants.W_OK)
  } catch (error) {
    throw new Error(`${problem} (${codeOf(error)}); ${advice}`)
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown'
}
