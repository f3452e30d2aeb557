/** The thread of node/checkpoints.ts: looks whether the write-ahead log is long, and copies it into the database. */
import { parentPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import type { CheckpointNews } from './checkpoints.ts'

const lookMs = 200
/** While hardly anything is written: each look wakes a thread, most of what an idle relay costs. */
const idleLookMs = 1_000
const idlePagesMax = 100
const afterFailureMs = 5_000
/** Shorter than that it is not worth two flushes of the disk. */
const pagesMin = 1_000
/** So few are left to the writer, who copies them in about a millisecond. */
const pagesLeftMax = 100
/** Each copies what was written during the one before, so the next has less to do unless the disk cannot keep up. */
const copiesMax = 4

const sqlite = new Sqlite(workerData as string, { fileMustExist: true })
const tell = (news: CheckpointNews) => parentPort?.postMessage(news)

/** @returns pages of the log that are not in the database yet */
function waiting(): number {
  // NOOP: only the counts.
  const [counts] = sqlite.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }]
  return counts.log - counts.checkpointed
}

/** @returns pages that were waiting */
function copy(): number {
  const found = waiting()
  if (found < pagesMin) return found
  for (let copies = 0; copies < copiesMax && waiting() > pagesLeftMax; copies++) {
    // PASSIVE: neither waits for the writer nor makes it wait.
    sqlite.pragma('wal_checkpoint(PASSIVE)')
  }
  tell({ kind: 'copied' })
  return found
}

let timer = setTimeout(look, lookMs)

function look(): void {
  let nextMs = lookMs
  try {
    if (copy() <= idlePagesMax) nextMs = idleLookMs
  } catch (error) {
    // A full disk, most likely: until there is room the log keeps what is written.
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    nextMs = afterFailureMs
  }
  timer = setTimeout(look, nextMs)
}

parentPort?.once('message', () => {
  clearTimeout(timer)
  sqlite.close()
})
