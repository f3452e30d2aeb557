/** Sees that the wall clock was set back, before anything is planned by the new time. */
import type { Clock, Log } from '../ports.ts'

/** By less it may be set back unnoticed: everything is later by as much. */
const setBackMsMin = 1_000

/**
 * @param onSetBack by as much at least; what it throws is logged, and it is told again
 * @returns to be called before whatever a timer or an answer sets going
 */
export function createClockWatch(deps: { now: Clock; log: Log; onSetBack(byMs: number): void }): () => void {
  let seenAt = Number.NEGATIVE_INFINITY
  return () => {
    const at = deps.now()
    if (at < seenAt - setBackMsMin) {
      deps.log.warn('the clock was set back', { by_ms: seenAt - at })
      try {
        deps.onSetBack(seenAt - at)
      } catch (error) {
        deps.log.error('what waits could not be set back too; trying again', { error })
        return
      }
    }
    seenAt = at
  }
}
