/**
 * The diff: what a new observation of a task means for what Pollhook last recorded (CONTRACT §3 "Which
 * changes count", §5.6). Knows states and types, not subscriptions' owners, tables or time.
 */
import { type Observation, statusRank, type TaskError, type UpstreamEnd } from './snapshot.ts'

/** How a task stopped: upstream's own end, or `lost`, which a new registration undoes. */
export type TaskEnd = UpstreamEnd | 'lost'

/** The task as of its last transition: smaller movements are never written, so they are not known. */
export interface KnownState {
  status: string | null
  percent: number | null
  /** The answer before this one ranked before the known state (CONTRACT §5.6). */
  regressed: boolean
  /** `task.stalled` was recorded and `task.resumed` was not yet. */
  stalled: boolean
}

/** One transition to be recorded; `seq` and time are given by the store. */
export interface Change {
  type: string
  status: string | null
  percent: number | null
  end: TaskEnd | null
  error: TaskError | null
}

export interface Diff {
  changes: Change[]
  /** What `KnownState.regressed` is from now on. */
  regressed: boolean
}

const terminalTypes = new Set([
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.lost',
  'task.expired',
])

/** Terminal events have the long retry schedule; every other event has the interim one (CONTRACT §1). */
export function isTerminalType(type: string): boolean {
  return terminalTypes.has(type)
}

/**
 * Did `floor(percent / step)` change? The small term makes 0.3 / 0.1 three. A percent that was never
 * reported counts as 0, so that a first `0` is no news.
 */
export function crossesStep(before: number | null, after: number | null, step: number): boolean {
  return bucket(before, step) !== bucket(after, step)
}

function bucket(percent: number | null, step: number): number {
  return Math.floor((percent ?? 0) / step + 1e-9)
}

/** Does the observed state rank before the known one (CONTRACT §5.6)? */
export function ranksBefore(known: KnownState, observed: Observation): boolean {
  if (observed.end !== null) return false
  if (observed.status !== null && observed.status !== known.status) {
    const was = statusRank(known.status)
    const is = statusRank(observed.status)
    return was !== null && is !== null && is < was
  }
  return observed.percent !== null && known.percent !== null && observed.percent < known.percent
}

/**
 * @param steps the distinct `percent_step` values of the task's active or paused subscriptions
 * @returns the transitions in order, at most two: `task.resumed` may precede the change itself
 */
export function diff(known: KnownState, observed: Observation, steps: readonly number[]): Diff {
  const changes: Change[] = []
  if (known.stalled) changes.push(unchanged('task.resumed', known))
  const regresses = ranksBefore(known, observed)
  if (regresses && !known.regressed) return { changes, regressed: true }
  const change = changeOf(known, observed, steps)
  // A percent that stays below the known one, but in its step, is believed, and nobody is told.
  if (change === null) return { changes, regressed: regresses }
  changes.push(change)
  return { changes, regressed: false }
}

function changeOf(known: KnownState, observed: Observation, steps: readonly number[]): Change | null {
  // Lost was Pollhook's word, and of the time before this answer: it does not stand for one that is missing.
  const status = observed.status ?? (known.status === 'lost' ? null : known.status)
  const percent = observed.percent ?? known.percent
  if (observed.end !== null) {
    const { end, error } = observed
    return { type: `task.${end}`, status: end, percent, end, error }
  }
  if (status === null) return null
  if (status !== known.status) return { type: `task.${status}`, status, percent, end: null, error: null }
  if (steps.some((step) => crossesStep(known.percent, percent, step))) {
    return { type: 'task.progress', status, percent, end: null, error: null }
  }
  return null
}

/** Pollhook's own transitions keep the task's status and percent. */
function unchanged(type: string, known: KnownState): Change {
  return { type, status: known.status, percent: known.percent, end: null, error: null }
}

export function stalledChange(known: KnownState): Change {
  return unchanged('task.stalled', known)
}

export function lostChange(known: KnownState): Change {
  return { type: 'task.lost', status: 'lost', percent: known.percent, end: 'lost', error: null }
}
