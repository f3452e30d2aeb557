/** Runs the passes when they want to run and whenever something wakes them. Knows not what they do. */
import type { Clock, Log, Timers } from '../ports.ts'

export interface Loop {
  start(): void
  stop(): void
  running(): boolean
  /** Something is to be done: everything that happens at once is answered by one run. */
  wake(): void
  /** Runs now. @returns when the next run is planned; null when only an event can need one */
  run(): number | null
  nextAt(): number | null
}

const afterFailureMs = 1000
/** By less the clock may be set back unnoticed: everything is later by as much. */
const setBackMsMin = 1000

/**
 * @param passes each returns when it wants to run again, null when nothing is planned
 * @param onClockBack the wall clock was set back, by as much at least since the last run
 */
export function createLoop(deps: {
  now: Clock
  timers: Timers
  log: Log
  passes: readonly (() => number | null)[]
  onClockBack(byMs: number): void
}): Loop {
  const { now, timers } = deps
  let running = false
  let cancelTimer: (() => void) | null = null
  let plannedAt: number | null = null
  let ranAt = Number.NEGATIVE_INFINITY

  function plan(at: number | null): void {
    if (at === null || (plannedAt !== null && plannedAt <= at)) return
    cancelTimer?.()
    plannedAt = at
    cancelTimer = timers.after(Math.max(0, at - now()), run)
  }

  function run(): number | null {
    if (!running) return null
    cancelTimer?.()
    cancelTimer = null
    plannedAt = null
    tried(() => {
      const at = now()
      if (at < ranAt - setBackMsMin) deps.onClockBack(ranAt - at)
      ranAt = at
    })
    // One by one: what keeps one from running is no reason for the others to wait.
    for (const pass of deps.passes) tried(() => plan(pass()))
    return plannedAt
  }

  function tried(work: () => void): void {
    try {
      work()
    } catch (error) {
      // A bug or a full disk: nothing is lost, and trying again soon is the only way to find out.
      deps.log.error('pass failed; trying again', { error })
      plan(now() + afterFailureMs)
    }
  }

  return {
    start() {
      running = true
      plan(now())
    },
    stop() {
      running = false
      cancelTimer?.()
    },
    running: () => running,
    wake() {
      if (running) plan(now())
    },
    run,
    nextAt: () => plannedAt,
  }
}
