/** Notices that the machine slept, or that its clock was set forward: the next pass comes far later than it was planned. */
import type { Clock } from '../ports.ts'

export interface SleepWatch {
  /** When this began, or the machine last woke: what was found out before then may no longer hold. */
  awakeSince(): number
  /** A pass begins. */
  woke(at: number): void
  /** When the next is wanted, null when nothing is planned; whether an attempt is under way, whose end brings one too. */
  planned(at: number | null, underWay: boolean): void
  clockWentBack(byMs: number): void
}

/** No pass comes so late by itself. */
const sleptMs = 60_000

/** @param attemptMsMax longest that an attempt is under way */
export function createSleepWatch(now: Clock, attemptMsMax: number): SleepWatch {
  let awakeSince = now()
  let plannedAt = Number.POSITIVE_INFINITY
  return {
    awakeSince: () => awakeSince,
    woke(at) {
      if (at - plannedAt > sleptMs) awakeSince = at
    },
    planned(at, underWay) {
      const endsBy = now() + attemptMsMax
      // With nothing planned and nothing under way a quiet hour is taken for sleep, which does no harm: nothing waits, so nothing is
      // given up too late. What is overdue already is planned for now.
      const next = underWay || at === null ? Math.min(at ?? endsBy, endsBy) : at
      plannedAt = Math.max(next, now())
    },
    clockWentBack(byMs) {
      awakeSince -= byMs
      plannedAt -= byMs
    },
  }
}
