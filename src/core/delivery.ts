/**
 * What becomes of a delivery after an attempt (CONTRACT §4.2 to §4.4, §4.8). A decision is data; writing it
 * down is the store's work and sending again the engine's.
 */
import { jittered, retryAfterMs } from './backoff.ts'
import type { Outcome } from './outcome.ts'
import { isTerminalType } from './transition.ts'

export interface Schedules {
  /** Waits after each failed attempt of a terminal event. */
  terminalMs: readonly number[]
  interimMs: readonly number[]
}

/** Order within a subscription: a test first, then what was asked for again, then the rest by age. */
export const rank = { test: 0, redelivery: 1, regular: 2 } as const

export const stateReasons = [
  'newer_event',
  'attempts_exhausted',
  'endpoint_unavailable',
  'requested',
  'gone',
] as const
export type StateReason = (typeof stateReasons)[number]

export type Decision =
  | { state: 'delivered' }
  | { state: 'pending'; nextAttemptAt: number }
  | { state: 'superseded' | 'exhausted' | 'cancelled'; reason: StateReason }

export interface AttemptedDelivery {
  type: string
  rank: number
  /** Attempts made in the present schedule, this one included. */
  tries: number
  /** Some attempt, now or before a redelivery, was accepted. */
  everAccepted: boolean
  /** A newer event of the subscription exists. */
  newerExists: boolean
}

/** A terminal event waits at least this long after a timeout or a bare 429 (CONTRACT §4.4)… */
const overloadedWaitMs = 60_000
/** …unless its schedule's own wait is shorter than this: whoever set it so wants it quick. */
const overloadedFromMs = 5_000

export function decide(
  delivery: AttemptedDelivery,
  outcome: Outcome,
  context: { schedules: Schedules; now: number; chance: number },
): Decision {
  if (outcome.kind === 'accepted') return { state: 'delivered' }
  if (isGone(outcome)) {
    return delivery.everAccepted ? { state: 'delivered' } : { state: 'cancelled', reason: 'gone' }
  }
  if (delivery.type === 'task.progress' && delivery.rank === rank.regular && delivery.newerExists) {
    return { state: 'superseded', reason: 'newer_event' }
  }
  const wait = waitAfter(delivery, outcome, context)
  if (wait !== null) return { state: 'pending', nextAttemptAt: context.now + wait }
  return delivery.everAccepted ? { state: 'delivered' } : { state: 'exhausted', reason: 'attempts_exhausted' }
}

/** 410 to any attempt ends the subscription (CONTRACT §4.4). */
export function isGone(outcome: Outcome): boolean {
  return outcome.kind === 'rejected' && outcome.statusCode === 410
}

function waitAfter(
  delivery: AttemptedDelivery,
  outcome: Outcome,
  context: { schedules: Schedules; now: number; chance: number },
): number | null {
  const terminal = isTerminalType(delivery.type)
  const schedule = terminal ? context.schedules.terminalMs : context.schedules.interimMs
  const scheduled = schedule[delivery.tries - 1]
  if (scheduled === undefined) return null
  const asked = askedWaitMs(outcome, context.now)
  const wait = Math.max(jittered(scheduled, context.chance), asked ?? 0)
  const overloaded = terminal && scheduled >= overloadedFromMs && asked === null && isOverload(outcome)
  return overloaded ? Math.max(wait, overloadedWaitMs) : wait
}

/** 429 and 503 may say how long to wait, and then for the whole endpoint; null when this outcome does not. */
export function askedWaitMs(outcome: Outcome, now: number): number | null {
  if (outcome.kind !== 'rejected') return null
  if (outcome.statusCode !== 429 && outcome.statusCode !== 503) return null
  return retryAfterMs(outcome.retryAfter, now)
}

function isOverload(outcome: Outcome): boolean {
  if (outcome.kind === 'unreachable') return outcome.errorCode === 'timeout'
  return outcome.kind === 'rejected' && outcome.statusCode === 429
}
