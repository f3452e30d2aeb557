/**
 * Writes down what polls learned. Answers that arrive together share one commit, which costs more than all that is in
 * it (docs/performance.md). Knows neither schedule nor hosts.
 */
import type { Clock, Log, Timers } from '../ports.ts'
import type { InFlight } from '../store/outbox.ts'
import type { PollLimits, PollRecord, PollResult } from '../store/polls.ts'
import type { Store } from '../store/store.ts'
import { writeTogether } from './write-together.ts'

export interface RecorderDeps {
  store: Pick<Store, 'recordPoll'>
  limits: PollLimits
  now: Clock
  timers: Timers
  log: Log
  inFlight: InFlight
  /** After each commit. */
  onRecorded(records: readonly PollRecord[]): void
}

/** A commit of so many keeps the relay from anything else long enough, and when it fails each is written alone. */
const resultsMax = 500

interface Group {
  results: PollResult[]
  /** It is its turn: nothing is added any more. */
  close(): void
  written: Promise<void>
}

/** @returns records the news of one answer; resolves when it is on disk, or could not be written */
export function createRecorder(deps: RecorderDeps): (news: readonly PollResult[]) => Promise<void> {
  /** What the next commits will hold. */
  const waiting: Group[] = []

  function write(results: readonly PollResult[]): void {
    const refused = writeTogether(results, tryWrite)
    const last = refused.at(-1)
    if (last === undefined) return
    deps.log.error('snapshots could not be written; their tasks are polled again', {
      error: last.error,
      results: refused.length,
    })
  }

  function tryWrite(results: readonly PollResult[]): unknown {
    let records: PollRecord[]
    try {
      records = deps.store.recordPoll(results, deps.limits, deps.now(), deps.inFlight)
    } catch (error) {
      return error
    }
    deps.onRecorded(records)
    return null
  }

  function writeNext(): void {
    waiting.shift()?.close()
    // Between two commits requests, answers and the passes have their turn.
    if (waiting.length > 0) deps.timers.after(0, writeNext)
  }

  /** The one that still has room. */
  function openGroup(): Group {
    const newest = waiting.at(-1)
    if (newest !== undefined && newest.results.length < resultsMax) return newest
    // Whatever else has arrived by now is read before what is to be done "as soon as the runtime can".
    if (waiting.length === 0) deps.timers.after(0, writeNext)
    const results: PollResult[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const group = { results, close: resolve, written: promise.then(() => write(results)) }
    waiting.push(group)
    return group
  }

  return async (news) => {
    const groups = new Set<Group>()
    for (const result of news) {
      const group = openGroup()
      group.results.push(result)
      groups.add(group)
    }
    await Promise.all([...groups].map(({ written }) => written))
  }
}
