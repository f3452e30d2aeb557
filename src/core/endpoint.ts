/**
 * The health of an endpoint (CONTRACT §4.5): failures in a row, the circuit they open, probes while it is
 * open, and `Retry-After`. Pure: one attempt in, the next health out.
 */
import { jittered } from './backoff.ts'
import { askedWaitMs } from './delivery.ts'
import type { Outcome } from './outcome.ts'

export const circuitOpensAfter = 10
const probeWaitMsMax = 5 * 60 * 1000

export interface EndpointHealth {
  /** Failures in a row; the circuit is open from the tenth on. */
  failures: number
  /** First failure of that row. */
  failingSince: number | null
  /** Since when deliveries are kept waiting by the endpoint: an open circuit or `Retry-After`. */
  unavailableSince: number | null
  /** Probes planned since the circuit opened. Only a success sets it to 0, not another answer that closes it: see `owesWaits`. */
  probes: number
  nextProbeAt: number | null
  retryAfterUntil: number | null
  lastSuccessAt: number | null
}

export const healthy: EndpointHealth = {
  failures: 0,
  failingSince: null,
  unavailableSince: null,
  probes: 0,
  nextProbeAt: null,
  retryAfterUntil: null,
  lastSuccessAt: null,
}

export function circuitOpen(health: EndpointHealth): boolean {
  return health.failures >= circuitOpensAfter
}

/**
 * An answer that is no success, such as a 404, has closed the circuit: what waits for the endpoint becomes due only at the
 * first success. That may be hours later, so `probes`, by which this is known, is on disk.
 */
export function owesWaits(health: EndpointHealth): boolean {
  return !circuitOpen(health) && health.probes > 0
}

export function isUnavailable(health: EndpointHealth, now: number): boolean {
  return circuitOpen(health) || (health.retryAfterUntil ?? 0) > now
}

/** The wall clock was set back: what was to end in a while ends in a while still, and nothing began in the future. */
export function afterClockBack(health: EndpointHealth, byMs: number, now: number): EndpointHealth {
  const until = (at: number | null) => (at === null || at <= now ? at : Math.max(now, at - byMs))
  const since = (at: number | null) => (at === null ? null : Math.min(at, now))
  return {
    ...health,
    failingSince: since(health.failingSince),
    unavailableSince: since(health.unavailableSince),
    nextProbeAt: until(health.nextProbeAt),
    retryAfterUntil: until(health.retryAfterUntil),
    lastSuccessAt: since(health.lastSuccessAt),
  }
}

/** A pause is over: what it held was not kept waiting by the endpoint (CONTRACT §3, "a pause never exhausts anything"). */
export function afterPause(health: EndpointHealth, now: number): EndpointHealth {
  return { ...health, unavailableSince: health.unavailableSince === null ? null : now }
}

export interface EndedAttempt {
  outcome: Outcome
  /** It was the one attempt an open circuit allows: only those move the next probe. */
  probe: boolean
  at: number
  chance: number
  terminalScheduleMs: readonly number[]
}

export function afterAttempt(health: EndpointHealth, attempt: EndedAttempt): EndpointHealth {
  const { outcome, at } = attempt
  // One that ends after the circuit was closed meanwhile is like any other.
  const moves = attempt.probe && circuitOpen(health)
  if (outcome.kind === 'refused') return moves ? { ...health, ...nextProbe(health, attempt) } : health
  const asked = askedWaitMs(outcome, at)
  const retryAfterUntil =
    asked === null ? health.retryAfterUntil : Math.max(health.retryAfterUntil ?? 0, at + asked)
  const waiting = (retryAfterUntil ?? 0) > at
  if (!isFailure(outcome)) {
    const lastSuccessAt = outcome.kind === 'accepted' ? at : health.lastSuccessAt
    const unavailableSince = waiting ? (health.unavailableSince ?? at) : null
    const probes = outcome.kind === 'accepted' ? 0 : health.probes
    return {
      ...healthy,
      unavailableSince,
      retryAfterUntil: waiting ? retryAfterUntil : null,
      lastSuccessAt,
      probes,
    }
  }
  const failures = health.failures + 1
  const opens = failures === circuitOpensAfter
  const unavailable = failures >= circuitOpensAfter || waiting
  return {
    ...health,
    failures,
    failingSince: health.failingSince ?? at,
    unavailableSince: unavailable ? (health.unavailableSince ?? at) : health.unavailableSince,
    retryAfterUntil,
    ...(opens || moves ? nextProbe(opens ? { probes: 0 } : health, attempt) : {}),
  }
}

/** Transport errors, timeouts, 5xx and 429; any other answer shows that the endpoint is there. */
export function isFailure(outcome: Outcome): boolean {
  if (outcome.kind === 'unreachable') return true
  return outcome.kind === 'rejected' && (outcome.statusCode >= 500 || outcome.statusCode === 429)
}

function nextProbe({ probes }: Pick<EndpointHealth, 'probes'>, attempt: EndedAttempt) {
  const schedule = attempt.terminalScheduleMs
  const scheduled = schedule[Math.min(probes, schedule.length - 1)] ?? probeWaitMsMax
  const wait = jittered(Math.min(scheduled, probeWaitMsMax), attempt.chance)
  return { probes: probes + 1, nextProbeAt: attempt.at + Math.min(wait, probeWaitMsMax) }
}
