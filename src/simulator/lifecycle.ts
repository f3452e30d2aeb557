/**
 * The course of one simulated job: a plan, and the job's state as a pure function of plan and elapsed time.
 * Knows no clock, no hosts and not how a state is written on the wire.
 */
import { between, type Random } from './random.ts'

export type JobStatus = 'downloading' | 'queued' | 'encoding' | 'saving' | 'completed' | 'error'

/** Times are milliseconds since the start of the job. */
export interface JobPlan {
  queuedAtMs: number
  encodingAtMs: number
  savingAtMs: number
  completedAtMs: number
  /** Percents of the encoding, rising in irregular steps; the first comes after a while at 0. */
  steps: readonly { atMs: number; percent: number }[]
  failure: JobFailure | null
}

export interface JobFailure {
  atMs: number
  description: string
}

export interface JobState {
  status: JobStatus
  /** 0 to 100, about the encoding only. */
  percent: number
  /** Set exactly when `status` is `error`. */
  failure: JobFailure | null
}

export interface PlanOptions {
  /** From start to `completed`. */
  durationMs: number
  /** Null for a job that succeeds; `at` is the share of `durationMs` after which it fails, 0 to 1. */
  failure: { at: number; description: string } | null
}

/** Random in detail, exact in total: the job completes after `durationMs`. */
export function planJob(random: Random, { durationMs, failure }: PlanOptions): JobPlan {
  const queuedAtMs = durationMs * between(random, 0.06, 0.12)
  const encodingAtMs = queuedAtMs + durationMs * between(random, 0.04, 0.1)
  const savingAtMs = durationMs * between(random, 0.88, 0.95)
  return {
    queuedAtMs,
    encodingAtMs,
    savingAtMs,
    completedAtMs: durationMs,
    steps: planSteps(random, encodingAtMs, savingAtMs),
    failure: failure && { atMs: failure.at * durationMs, description: failure.description },
  }
}

/**
 * Percents as the documentation shows them, 8.3743842364532011: that one is 34 of 406. So a percent here is
 * frames done of frames in all (a guess that fits the only example there is).
 */
function planSteps(random: Random, fromMs: number, toMs: number): JobPlan['steps'] {
  const frames = Math.floor(between(random, 300, 3000))
  const count = Math.floor(between(random, 18, 32))
  const shares = Array.from({ length: count }, () => between(random, 0.25, 1.75))
  const sum = shares.reduce((total, share) => total + share, 0)
  let done = 0
  return shares.map((share) => {
    done += share / sum
    // Not quite in proportion to time: parts of a film are harder than others.
    const doneFrames = Math.min(frames, Math.round(frames * done * between(random, 0.98, 1)))
    return { atMs: fromMs + (toMs - fromMs) * done * 0.99, percent: (doneFrames / frames) * 100 }
  })
}

export function stateAt(plan: JobPlan, elapsedMs: number): JobState {
  const { failure } = plan
  if (failure !== null && elapsedMs >= failure.atMs) {
    // A failed job stays where it was.
    return { status: 'error', percent: percentAt(plan, failure.atMs), failure }
  }
  return { status: statusAt(plan, elapsedMs), percent: percentAt(plan, elapsedMs), failure: null }
}

export function isEnded(state: JobState): boolean {
  return state.status === 'completed' || state.status === 'error'
}

function statusAt(plan: JobPlan, elapsedMs: number): JobStatus {
  if (elapsedMs < plan.queuedAtMs) return 'downloading'
  if (elapsedMs < plan.encodingAtMs) return 'queued'
  if (elapsedMs < plan.savingAtMs) return 'encoding'
  return elapsedMs < plan.completedAtMs ? 'saving' : 'completed'
}

function percentAt(plan: JobPlan, elapsedMs: number): number {
  if (elapsedMs >= plan.savingAtMs) return 100
  let percent = 0
  for (const step of plan.steps) {
    if (step.atMs > elapsedMs) break
    percent = Math.max(percent, step.percent)
  }
  return percent
}
