/** The Upstream port as a script: what each host answers, when, and how it fails. Records every call. */
import type { StatusAnswer, Upstream } from '../../src/ports.ts'
import type { FaultMix } from './faults.ts'
import type { Poll } from './history.ts'
import { apiOrigin, hostAt, type Job, jobAt, masters } from './jobs.ts'
import type { Rng } from './random.ts'
import type { Life, World } from './world.ts'

interface Spell {
  from: number
  to: number
  answer: StatusAnswer
}

export interface UpstreamScript {
  port(life: Life): Upstream
}

const refusals = ['network', 'server_error', 'unreadable', 'redirect', 'too_large'] as const

export function createUpstreamScript(world: World, jobs: readonly Job[], spanMs: number): UpstreamScript {
  const { clock, faults, history } = world
  const random = world.random.fork('upstream')
  const byToken = new Map(jobs.map((job) => [job.token, job]))
  const spells = drawSpells(random.fork('spells'), faults, spanMs)

  function fault(origin: string): StatusAnswer | null {
    if (world.healed()) return null
    const at = clock.elapsed()
    const spell = (spells.get(origin) ?? []).find(({ from, to }) => from <= at && at < to)
    if (spell !== undefined) return spell.answer
    if (faults.has('timeouts') && random.chance(0.03)) return { kind: 'failed', reason: 'timeout' }
    if (faults.has('network') && random.chance(0.04)) return { kind: 'failed', reason: 'network' }
    if (faults.has('serverErrors') && random.chance(0.04)) return { kind: 'failed', reason: 'server_error' }
    if (faults.has('garbage') && random.chance(0.04)) return { kind: 'failed', reason: 'unreadable' }
    if (faults.has('errorCodes') && random.chance(0.04))
      return { kind: 'error', code: random.pick([1, 2, 7, 14]), message: null }
    if (faults.has('busy') && random.chance(0.03))
      return { kind: 'busy', retryAfterMs: random.pick([null, 3_000, 15_000, 45_000]) }
    return null
  }

  function answer(origin: string, tokens: readonly string[]): StatusAnswer {
    const found = fault(origin)
    if (found !== null) return found
    if (tokens.some((token) => byToken.get(token)?.kind === 'bad')) {
      return { kind: 'error', code: random.pick([5, 13]), message: 'bad token' }
    }
    const statuses = new Map<string, Record<string, unknown>>()
    for (const token of tokens) {
      const entry = entryOf(byToken.get(token), origin)
      if (entry !== null) statuses.set(token, entry)
    }
    return { kind: 'statuses', statuses }
  }

  function entryOf(job: Job | undefined, origin: string): Record<string, unknown> | null {
    if (job === undefined) return null
    const at = clock.elapsed()
    if (origin !== apiOrigin && hostAt(job, at) !== origin) return null
    if (world.healed()) return jobAt(job, at)
    if (faults.has('nullEntries') && random.chance(0.05)) return null
    const lagMs = faults.has('lag') && random.chance(0.2) ? random.int(1_000, 60_000) : 0
    const entry = jobAt(job, Math.max(0, at - lagMs))
    return entry !== null && faults.has('oddTypes') ? odd(random, entry) : entry
  }

  function latencyMs(given: StatusAnswer): number {
    if (given.kind === 'failed' && given.reason === 'timeout') return world.config.poll.timeoutMs
    if (!world.healed() && faults.has('slowUpstream') && random.chance(0.15)) return random.int(2_000, 19_000)
    return random.int(10, 600)
  }

  function call(life: Life, origin: string, tokens: readonly string[]): Promise<StatusAnswer> {
    if (!life.alive()) return new Promise(() => {})
    if (world.connectionBusy()) world.violate('DESIGN 3.2', 'a status call inside a transaction')
    if (world.crashPoint('before upstream.status')) return new Promise(() => {})
    const poll: Poll = { start: world.moment(), end: null, origin, tokens: [...tokens], answer: null }
    poll.start.incarnation = life.n
    history.polls.push(poll)
    world.calling(poll)
    const failure = fault(origin)
    return new Promise((resolve) => {
      const deliver = (given: StatusAnswer) => {
        if (!life.alive() || world.crashPoint('before the answer of upstream.status')) return
        poll.end = world.moment()
        poll.answer = given
        world.answered(poll)
        world.trace(`${origin.slice(8)} ${tokens.map(short).join(' ')} -> ${describe(given)}`)
        resolve(given)
        clock.after(0, () => life.alive() && world.crashPoint('after upstream.status'))
      }
      const wait = latencyMs(failure ?? { kind: 'busy', retryAfterMs: null })
      clock.after(wait, () => deliver(failure ?? answer(origin, tokens)))
    })
  }

  return {
    port: (life) => ({
      status: (origin, tokens) => call(life, origin, tokens),
    }),
  }
}

/** Longer troubles of one host; an outage is one of all of them. */
function drawSpells(random: Rng, faults: FaultMix, spanMs: number): Map<string, Spell[]> {
  const spells = new Map<string, Spell[]>([apiOrigin, ...masters].map((origin) => [origin, []]))
  const failed = (): StatusAnswer => ({
    kind: 'failed',
    reason: random.pick(['timeout', ...refusals]),
  })
  if (faults.has('masterDies')) {
    const from = random.int(0, spanMs)
    spells.get(random.pick(masters))!.push({ from, to: Number.POSITIVE_INFINITY, answer: failed() })
  }
  if (faults.has('outage')) {
    const from = random.int(0, spanMs)
    const to = from + random.int(30_000, 400_000)
    const hosts = random.chance(0.5) ? [apiOrigin] : [apiOrigin, ...masters]
    for (const origin of hosts) spells.get(origin)!.push({ from, to, answer: failed() })
  }
  if (faults.has('busy')) {
    const from = random.int(0, spanMs)
    const answer: StatusAnswer = { kind: 'busy', retryAfterMs: random.pick([null, 10_000, 60_000]) }
    spells
      .get(random.pick([apiOrigin, ...masters]))!
      .push({ from, to: from + random.int(5_000, 60_000), answer })
  }
  return spells
}

/** The same object in other clothes (upstream/QENCODE.md, "A status object"). */
function odd(random: Rng, entry: Record<string, unknown>): Record<string, unknown> {
  const made = { ...entry }
  const { status, percent } = entry
  if (typeof percent === 'number')
    made.percent = random.pick([percent, percent, String(percent), null, 'None'])
  if (typeof status === 'string')
    made.status = random.pick([status, status, status.toUpperCase(), ` ${status}`])
  if (entry.error === 0) made.error = random.pick([0, '0', null, 'None', false])
  for (const key of ['status', 'percent', 'error', 'status_url']) {
    // A terminal answer keeps what makes it one.
    if (key in made && random.chance(0.06) && status === 'encoding' && entry.error === 0) delete made[key]
  }
  if (random.chance(0.2)) made.meta = random.pick(['{"a":1}', { a: 1 }, null])
  if (random.chance(0.2)) made.duration = random.pick(['12.5', 12.5])
  return made
}

export function short(token: string): string {
  return token.slice(0, 6)
}

function describe(answer: StatusAnswer): string {
  switch (answer.kind) {
    case 'statuses':
      return [...answer.statuses]
        .map(([token, { status, percent, error }]) => `${short(token)}=${status}/${percent}/${error}`)
        .join(' ')
    case 'busy':
      return `busy ${answer.retryAfterMs}`
    case 'error':
      return `error ${answer.code}`
    case 'failed':
      return answer.reason
  }
}
