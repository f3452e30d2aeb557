/** Notices that the machine slept, or that its clock was set forward: the next pass comes far later than it was planned. */
import type { Clock } from '../ports.ts'

export interface SleepWatch {
  /** What was known before may be long over. */
  awakeSince(): number
  /** A pass begins. */
  woke(at: number): void
  /** When the next is wanted; null when nothing is planned. */
  planned(at: number | null): number | null
  clockWentBack(byMs: number): void
}

/** No pass comes so late by itself. */
const sleptMs = 60_000

/** @param attemptMsMax longest that an attempt is under way: where nothing is planned its end brings the next pass */
export function createSleepWatch(now: Clock, attemptMsMax: number): SleepWatch {
  let awakeSince = now()
  let plannedAt = Number.POSITIVE_INFINITY
  return {
    awakeSince: () => awakeSince,
    woke(at) {
      if (at - plannedAt > sleptMs) awakeSince = at
    },
    planned(at) {
      // Or nothing waits: then this takes a quiet hour for sleep, and nobody is given up by it.
      plannedAt = at ?? now() + attemptMsMax
      return at
    },
    clockWentBack(byMs) {
      awakeSince -= byMs
      plannedAt -= byMs
    },
  }
}
