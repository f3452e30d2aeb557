/** When the schedule is looked at for tasks that are due. Knows no tasks. */
import { never } from './entry.ts'
import { type Pace, restMs, wakeMs } from './pace.ts'

export interface Looks {
  /**
   * @param tasks how many there are
   * @returns whether it is time to look; then that is the look
   */
  take(at: number, tasks: number): boolean
  /** The soonest next look, also where nothing is due by then. */
  nextAt(tasks: number): number
  /** Something is due that was not planned: the next look does not wait for company. */
  hurry(): void
  /** The wall clock went back. */
  clockWentBack(byMs: number): void
}

export function createLooks(pace: Pace): Looks {
  let lastAt = never
  let hurried = false

  function nextAt(tasks: number): number {
    return lastAt + (hurried ? restMs(pace) : wakeMs(pace, tasks))
  }

  return {
    nextAt,

    take(at, tasks) {
      if (at < nextAt(tasks)) return false
      lastAt = at
      hurried = false
      return true
    },

    hurry() {
      hurried = true
    },

    clockWentBack(byMs) {
      lastAt -= byMs
    },
  }
}
