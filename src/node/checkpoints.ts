/**
 * Checkpoints on a thread of their own: copying the write-ahead log into the database takes tens of milliseconds, in which
 * nothing would be polled or delivered. The thread copies, and this side what was written meanwhile: only the one
 * writer can be sure that nothing is left, and then the log begins anew (https://sqlite.org/wal.html, "Avoiding
 * Excessively Large WAL Files").
 */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Log } from '../ports.ts'
import type { OpenDatabase } from './database.ts'

export interface CheckpointsOptions {
  /** A file. */
  path: string
  database: Pick<OpenDatabase, 'checkpoint' | 'checkpointAfter'>
  log: Log
}

export interface Checkpoints {
  /** Resolves when the thread has let go of the file. */
  stop(): Promise<void>
}

/** What the thread says. */
export type CheckpointNews = { kind: 'copied' } | { kind: 'failed'; message: string }

/** SQLite's own default, for when there is no thread. */
const pagesAlone = 1_000
/** Only a thread that fell far behind or always fails lets the log grow so long, 64 MiB; then the writer copies too. */
const pagesBehind = 16_000
/** Beside this file as it is written; in a bundle, of which there may be several, this may be a chunk or the relay itself. */
const threadFiles = ['./checkpoint-thread.ts', '../node/checkpoint-thread.js', './node/checkpoint-thread.js']

export function startCheckpoints({ path, database, log }: CheckpointsOptions): Checkpoints {
  database.checkpointAfter(pagesBehind)
  const thread = new Worker(threadFile(), {
    name: 'checkpoints',
    workerData: path,
    // What this process was told to preload or to profile is not for its thread.
    execArgv: [],
  })
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  const warn = (error: unknown) => log.warn('checkpoint failed; trying again', { error })
  thread.on('message', (news: CheckpointNews) => {
    if (news.kind === 'failed') return warn(news.message)
    try {
      database.checkpoint()
    } catch (error) {
      warn(error)
    }
  })
  thread.on('error', (error) => {
    log.error('the thread for checkpoints ended; they hold up everything else from now on', { error })
    database.checkpointAfter(pagesAlone)
  })
  // Alone it is no reason for the process to stay.
  thread.unref()
  return {
    async stop() {
      thread.ref()
      thread.postMessage('stop')
      await ended
    },
  }
}

function threadFile(): URL {
  const file = threadFiles.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url))
  if (file === undefined) throw new Error('a part of Pollhook is missing: node/checkpoint-thread.js')
  return file
}
