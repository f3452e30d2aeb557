/** When the schedule is looked at for tasks that are due. Knows no tasks. */
import { never } from './entry.ts'
import { type Pace, restMs, wakeMs } from './pace.ts'

export interface Looks {
  /** Whether it is time to look; if so, that is the look. */
  take(at: number): boolean
  /**
   * @param dueAt of what is due first
   * @param tasks how many there are
   */
  nextAt(dueAt: number, at: number, tasks: number): number
  /** The wall clock went back. */
  clockWentBack(byMs: number): void
}

export function createLooks(pace: Pace): Looks {
  let lastAt = never
  return {
    take(at) {
      if (at < lastAt + restMs(pace)) return false
      lastAt = at
      return true
    },

    nextAt(dueAt, at, tasks) {
      // Due already: it came up since the last look, by a hint or a registration.
      const afterMs = dueAt <= at ? restMs(pace) : wakeMs(pace, tasks)
      return Math.max(dueAt, lastAt + afterMs)
    },

    clockWentBack(byMs) {
      lastAt -= byMs
    },
  }
}
