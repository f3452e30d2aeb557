/** Runs the passes when they want to run and whenever something wakes them. Knows not what they do. */
import type { Clock, Log, Timers } from '../ports.ts'
import { earliest } from './earliest.ts'

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
/** A timer stands still while the machine sleeps, and knows nothing of a clock that is set forward: it is never set for longer. */
const timerMsMax = 60_000

/** @param passes each returns when it wants to run again, null when nothing is planned */
export function createLoop(deps: {
  now: Clock
  timers: Timers
  log: Log
  passes: readonly (() => number | null)[]
}): Loop {
  const { now, timers } = deps
  let running = false
  let cancelTimer: (() => void) | null = null
  let plannedAt: number | null = null
  let plannedInMs = 0

  function plan(at: number | null): void {
    if (at === null) return
    const ms = Math.max(0, at - now())
    // A timer whose time is over may be set for hours yet, after a sleep of the machine or where the clock was set forward.
    if (plannedAt !== null && (ms > 0 ? plannedAt <= at : plannedInMs === 0)) return
    cancelTimer?.()
    plannedAt = at
    plannedInMs = ms
    cancelTimer = timers.after(Math.min(ms, timerMsMax), run)
  }

  function run(): number | null {
    if (!running) return null
    cancelTimer?.()
    cancelTimer = null
    plannedAt = null
    // One by one: what keeps one from running is no reason for the others to wait.
    let next: number | null = null
    for (const pass of deps.passes) {
      try {
        next = earliest(next, pass())
      } catch (error) {
        // A bug or a full disk: nothing is lost, and trying again soon is the only way to find out.
        deps.log.error('pass failed; trying again', { error })
        next = earliest(next, now() + afterFailureMs)
      }
    }
    plan(next)
    return plannedAt
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
