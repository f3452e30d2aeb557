/**
 * The simulated service's memory: session tokens, jobs, and which master has which job. Time and chance are
 * given; knows nothing of requests or faults.
 */
import { type JobPlan, type JobState, planJob, stateAt } from './lifecycle.ts'
import { between, hex, type Random, seededRandom, seedFor } from './random.ts'

/** A job after `start_encode2`. */
export interface Run {
  startedAt: number
  plan: JobPlan
  /** Index of its master host. */
  master: number
  statusUrl: string
}

export interface Job {
  token: string
  /** Null until started. */
  run: Run | null
  payload: string | null
}

export interface StartOptions {
  /** Whether it fails, or when and with which words; by chance (`failRate`) unless told. */
  fails?: boolean | { at?: number; description?: string }
  /** From start to end at speed 1, in milliseconds. */
  durationMs?: number
  /** Index of the master host; the next in turn unless told. */
  master?: number
  /** Echoed by the API host, as Qencode does. */
  payload?: string
}

export interface JobsOptions {
  now: () => number
  seed: number
  /** How much faster than the wall clock jobs run. */
  speed: number
  durationMs: number
  /** Share of jobs that fail. */
  failRate: number
  /** `status_url` of each master. */
  statusUrls: readonly string[]
}

export interface Jobs {
  /** A session token, and when it ends. */
  openSession(): { token: string; expiresAt: number }
  hasSession(token: string): boolean
  /** @param token 32 hex digits; made up unless given */
  create(token?: string): Job
  start(job: Job, options?: StartOptions): Run
  get(token: string): Job | null
  /** On one master, in the order of creation. */
  onMaster(master: number): Iterable<Job & { run: Run }>
  /** How long the job has run in its own time; `speed` is in it. */
  elapsedMs(run: Run): number
  /** @param backMs how far in the past, in the job's own time */
  stateOf(run: Run, backMs?: number): JobState
}

/** Beyond these the oldest are forgotten, as the real service forgets. */
const jobsMax = 100_000
const sessionsMax = 1_000
const sessionMs = 24 * 3_600_000

/** Descriptions are guesses: none is documented. */
const failures = [
  'Failed to transcode video: unsupported codec',
  'Failed to transcode video: moov atom not found',
  'Failed to save output: access to destination denied',
]

export function createJobs(options: JobsOptions): Jobs {
  const random = seededRandom(seedFor(options.seed, 'tokens'))
  const jobs = new Map<string, Job>()
  const sessions = new Map<string, number>()
  let started = 0

  function elapsedMs(run: Run): number {
    return (options.now() - run.startedAt) * options.speed
  }
  return {
    openSession() {
      const token = hex(random, 32)
      const expiresAt = options.now() + sessionMs
      sessions.set(token, expiresAt)
      forgetOldest(sessions, sessionsMax)
      return { token, expiresAt }
    },
    hasSession: (token) => (sessions.get(token) ?? 0) > options.now(),
    create(token = hex(random, 32)) {
      const job: Job = { token, run: null, payload: null }
      jobs.set(token, job)
      forgetOldest(jobs, jobsMax)
      return job
    },
    start(job, start = {}) {
      const ofJob = seededRandom(seedFor(options.seed, job.token))
      const master = start.master ?? started % options.statusUrls.length
      const statusUrl = options.statusUrls[master]
      if (statusUrl === undefined) {
        throw new RangeError(`there is no master ${master}: there are ${options.statusUrls.length}`)
      }
      started += 1
      const failure = chooseFailure(ofJob, start.fails, options.failRate)
      const plan = planJob(ofJob, { durationMs: start.durationMs ?? options.durationMs, failure })
      job.payload = start.payload ?? null
      job.run = { startedAt: options.now(), plan, master, statusUrl }
      return job.run
    },
    get: (token) => jobs.get(token) ?? null,
    *onMaster(master) {
      for (const job of jobs.values()) {
        if (job.run?.master === master) yield { ...job, run: job.run }
      }
    },
    elapsedMs,
    stateOf: (run, backMs = 0) => stateAt(run.plan, Math.max(0, elapsedMs(run) - backMs)),
  }
}

function chooseFailure(random: Random, fails: StartOptions['fails'], failRate: number) {
  const chance = random() < failRate
  const at = between(random, 0.35, 0.8)
  const description = failures[Math.floor(random() * failures.length)] ?? 'Failed'
  if (!(fails ?? chance)) return null
  return { at, description, ...(typeof fails === 'object' ? fails : {}) }
}

/** A Map keeps the order of insertion. */
function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
