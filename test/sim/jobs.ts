/** Jobs as upstream truly runs them: a function from elapsed time to a status object, decided by the seed. */
import type { FaultMix } from './faults.ts'
import type { Rng } from './random.ts'

export type JobKind = 'normal' | 'unknown' | 'bad' | 'late' | 'endless'

export interface Job {
  token: string
  kind: JobKind
  /** Before this upstream does not know a late job. */
  bornAt: number
  stages: readonly { at: number; status: string }[]
  /** When encoding begins and ends: percent rises between the two. */
  percent: { from: number; to: number }
  endAt: number
  end: Record<string, unknown>
  /** Which host runs it from when on. */
  hosts: readonly { at: number; origin: string }[]
}

export const apiOrigin = 'https://api.qencode.com'
export const masters = ['https://master-1.qencode.com', 'https://master-2.qencode.com'] as const

const ends: readonly Record<string, unknown>[] = [
  { status: 'completed', percent: 100 },
  { status: 'completed', percent: '100.0', videos: [{ url: 'https://cdn.example.com/1.mp4' }] },
  { status: 'saved' },
  { status: 'error', error: 1, error_description: 'no input' },
  { status: 'encoding', error: 7, error_description: null },
  { status: 'canceled' },
]

export function drawJobs(random: Rng, faults: FaultMix, count: number, spanMs: number): Job[] {
  return Array.from({ length: count }, (_, i) => drawJob(random.fork(`job-${i}`), faults, spanMs))
}

function drawJob(random: Rng, faults: FaultMix, spanMs: number): Job {
  const token = [...random.bytes(16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const startAt = random.int(0, spanMs / 2)
  const words = ['downloading', 'queued', 'encoding', 'saving'].filter(() => random.chance(0.85))
  if (faults.has('oddTypes') && random.chance(0.3))
    words.splice(random.int(0, words.length), 0, 'Transcribing')
  if (faults.has('oddTypes') && random.chance(0.2)) words.push('what is this?')
  let at = startAt
  const stages = words.map((status) => {
    const stage = { at, status }
    at += random.pick([500, 8_000, 30_000, 120_000]) + random.int(0, 10_000)
    return stage
  })
  const encodingAt = stages.find(({ status }) => status === 'encoding')?.at ?? startAt
  return {
    token,
    kind: drawKind(random, faults),
    bornAt: startAt,
    stages,
    percent: { from: encodingAt, to: Math.max(encodingAt + 1000, at) },
    endAt: at,
    end: random.pick(ends),
    hosts: drawHosts(random, faults, startAt, at),
  }
}

function drawKind(random: Rng, faults: FaultMix): JobKind {
  if (faults.has('badTokens') && random.chance(0.15)) return 'bad'
  if (faults.has('unknownTokens') && random.chance(0.2)) return random.pick(['unknown', 'late'])
  if (faults.has('expiry') && random.chance(0.15)) return 'endless'
  return 'normal'
}

function drawHosts(random: Rng, faults: FaultMix, from: number, to: number): Job['hosts'] {
  const first = { at: 0, origin: random.pick([apiOrigin, ...masters, ...masters]) }
  if (!faults.has('moves')) return [first]
  const origin = random.pick([...masters, 'https://evil.example.com'])
  return [first, { at: random.int(from, to), origin }]
}

export function hostAt(job: Job, at: number): string {
  return job.hosts.findLast((host) => host.at <= at)!.origin
}

/** The status object, every value of its plain type; null while upstream does not know the job. */
export function jobAt(job: Job, at: number): Record<string, unknown> | null {
  if (job.kind === 'unknown' || job.kind === 'bad') return null
  if (job.kind === 'late' && at < job.bornAt) return null
  if (job.kind !== 'endless' && at >= job.endAt) return { error: 0, ...job.end }
  const status = job.stages.findLast((stage) => stage.at <= at)?.status ?? 'created'
  const part = (at - job.percent.from) / (job.percent.to - job.percent.from)
  const percent = Math.round(Math.min(Math.max(part, 0), 1) * 10_000) / 100
  return { error: 0, status, percent, status_url: `${hostAt(job, at)}/v1/status` }
}
