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

/** A commit of so many keeps the relay from anything else long enough, and when it fails each is written alone. */
const resultsMax = 500

interface Group {
  results: PollResult[]
  written: Promise<void>
}

/** @returns records the news of one answer; resolves when it is on disk, or could not be written */
export function createRecorder(deps: RecorderDeps): (news: readonly PollResult[]) => Promise<void> {
  /** What the next commit will hold. */
  let open: Group | null = null
  let lastError: unknown

  function write(results: readonly PollResult[]): void {
    const refused = writeTogether(results)
    if (refused.length === 0) return
    deps.log.error('snapshots could not be written; their tasks are polled again', {
      error: lastError,
      results: refused.length,
    })
  }

  /** One that SQLite refuses must not take the others with it. @returns what is not on disk */
  function writeTogether(results: readonly PollResult[]): readonly PollResult[] {
    if (tryWrite(results)) return []
    return results.length === 1 ? results : results.filter((one) => !tryWrite([one]))
  }

  function tryWrite(results: readonly PollResult[]): boolean {
    let records: PollRecord[]
    try {
      records = deps.store.recordPoll(results, deps.limits, deps.now(), deps.inFlight)
    } catch (error) {
      lastError = error
      return false
    }
    deps.onRecorded(records)
    return true
  }

  /** Whatever else has arrived by now is read before what is to be done "as soon as the runtime can". */
  function openGroup(): Group {
    const results: PollResult[] = []
    const written = new Promise<void>((resolve) => deps.timers.after(0, resolve)).then(() => {
      if (open?.results === results) open = null
      write(results)
    })
    return { results, written }
  }

  return async (news) => {
    const groups = new Set<Group>()
    for (const result of news) {
      if (open === null || open.results.length >= resultsMax) open = openGroup()
      open.results.push(result)
      groups.add(open)
    }
    await Promise.all([...groups].map(({ written }) => written))
  }
}
