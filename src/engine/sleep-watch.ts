/** Notices that the machine slept, or that its clock was set forward: the next pass comes far later than it was planned. */
import type { Clock } from '../ports.ts'

export interface SleepWatch {
  /** What was known before may be long over. */
  awakeSince(): number
  /** A pass begins. */
  woke(at: number): void
  /** When the next is wanted; null when nothing is planned. */
  planned(at: number | null): number | null
}

/** No pass comes so late by itself. */
const sleptMs = 60_000

export function createSleepWatch(now: Clock): SleepWatch {
  let awakeSince = now()
  let plannedAt: number | null = null
  return {
    awakeSince: () => awakeSince,
    woke(at) {
      if (plannedAt !== null && at - plannedAt > sleptMs) awakeSince = at
    },
    planned(at) {
      plannedAt = at
      return at
    },
  }
}
