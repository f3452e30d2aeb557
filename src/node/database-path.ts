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
  if (found !== undefined) needAccess(path, `${file} may not be read and written`, readAndWrite)
  prepareFolder(dirname(path))
  if (found === undefined) {
    refuseLogAlone(path)
    makeFile(path)
  }
  const real = realpathSync(path)
  if (statSync(real).size === 0) refuseLogAlone(real)
  // A lock that can only be read keeps nobody out, and of the log SQLite says no more than that it cannot open a file.
  for (const beside of [`${real}-wal`, `${real}-shm`, `${real}.lock`])
    needAccess(beside, `${beside} may not be read and written`, readAndWrite)
  return real
}

/** SQLite deletes a write-ahead log beside an empty database, and with it what was committed last. */
function refuseLogAlone(path: string): void {
  const log = `${path}-wal`
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  throw new Error(
    `${path} is missing or empty, and ${log} holds what was written to it last: put the file back, or move ${log} away; docs/guides/operate.md has the steps`,
  )
}

/** Through a link as well, even one to a file that is yet to be: only what is there has a real path. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', fileMode))
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
  needAccess(folder, `the folder ${folder} may not be written`)
}

/** Whoever reads a task's token may ask upstream about it. SQLite gives what it makes beside the file the same mode. */
const fileMode = 0o600

const readAndWrite = constants.R_OK | constants.W_OK

const advice =
  'set POLLHOOK_DB to a file in a folder that this user may write; for example POLLHOOK_DB=data/pollhook.db'

function needAccess(path: string, problem: string, mode = constants.W_OK): void {
  try {
    accessSync(path, mode)
  } catch (error) {
    // SQLite takes away what lies beside a database that nobody has open any more.
    if (codeOf(error) === 'ENOENT') return
    throw new Error(`${problem} (${codeOf(error)}); ${advice}`)
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown'
}
