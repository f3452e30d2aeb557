/**
 * Writes down what polls learned. Answers that arrive together share one commit, which costs more than all that is in
 * it (docs/performance.md). Knows neither schedule nor hosts.
 */
import type { Clock, Log, Timers } from '../ports.ts'
import type { InFlight } from '../store/outbox.ts'
import type { PollLimits, PollRecord, PollResult } from '../store/polls.ts'
import type { Store } from '../store/store.ts'

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

/** @returns records the news of one answer; resolves when it is on disk, or could not be written */
export function createRecorder(deps: RecorderDeps): (news: readonly PollResult[]) => Promise<void> {
  let waiting: PollResult[] = []
  let written: Promise<void> | null = null

  function write(results: readonly PollResult[]): void {
    let records: PollRecord[]
    try {
      records = deps.store.recordPoll(results, deps.limits, deps.now(), deps.inFlight)
    } catch (error) {
      if (results.length > 1) {
        // One that SQLite refuses must not take the others with it.
        for (const result of results) write([result])
        return
      }
      deps.log.error('a snapshot could not be written; its task is polled again', { error })
      return
    }
    deps.onRecorded(records)
  }

  /** Whatever else has arrived by now is read before what is to be done "as soon as the runtime can". */
  function plan(): Promise<void> {
    return new Promise((resolve, reject) => {
      deps.timers.after(0, () => {
        const results = waiting
        waiting = []
        written = null
        try {
          write(results)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  return (news) => {
    waiting.push(...news)
    written ??= plan()
    return written
  }
}
