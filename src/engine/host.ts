/**
 * One upstream host: the due tasks that queue for a call to it, and its health (CONTRACT §5.3). Knows no tasks'
 * states and makes no calls.
 */
import { hostBackoffMs } from '../core/backoff.ts'
import { type BatchQueue, createBatchQueue } from './batch-queue.ts'
import type { Entry } from './entry.ts'
import { createFifo, type Fifo } from './fifo.ts'
import { restMs } from './pace.ts'

/** What a call in flight is for: a batch, or tokens that spoil a whole call and are being told apart or asked alone. */
export type Purpose = 'batch' | 'suspects'

/** A further call of a poll under way: for what a master could not answer, a batch or a token asked alone, or a part of a spoiled batch. */
export const furtherCalls = ['fallback', 'loneFallback', 'split'] as const
export type FurtherCall = (typeof furtherCalls)[number]

/** Who waits for a place at a host: batches of due tasks, due tasks that are asked alone, polls that are under way. */
export const queues = ['known', 'fresh', 'lone'] as const
export type DueQueue = (typeof queues)[number]
export type Turn = DueQueue | FurtherCall

export const purposeOf = {
  known: 'batch',
  fresh: 'batch',
  lone: 'suspects',
  fallback: 'batch',
  loneFallback: 'suspects',
  split: 'suspects',
} as const satisfies Record<Turn, Purpose>

export function isFurther(turn: Turn): turn is FurtherCall {
  return furtherCalls.some((call) => call === turn)
}

/** How long failures and refusals of a host are remembered. Each of its tasks is polled once an interval, give or take jitter. */
const rememberedIntervals = 4

export interface Host {
  origin: string
  /** Due tasks that upstream has known; the others too while it refuses no token. */
  known: BatchQueue
  /** Due tasks that it never has: among these are the bad tokens, which would spoil the calls of the others. */
  fresh: BatchQueue
  /** It refused a token not long ago: until then others may be bad too. */
  freshApartUntil: number
  /** Due tasks that are asked for in a call of their own (CONTRACT §5.4). */
  lone: Fifo<Entry>
  /** A search for what keeps a batch from being read has begun, and read nothing yet: no other begins before then. */
  searchedUntil: number
  inFlight: number
  /** Those of them that are for suspects. */
  suspectsInFlight: number
  /** A call for due tasks joins those in flight then, or once one of these is over. */
  joinAt: number
  /** Polls under way that wait for a place among the calls in flight. */
  waiters: Record<FurtherCall, Fifo<() => void>>
  /** Whose turn it is: who had one goes to the end, so that none waits for long however many wait elsewhere. */
  line: Turn[]
  /** Answered calls in a row, since the start or the last failure. */
  answered: number
  /** Failed calls in a row. */
  failures: number
  /** When the newest of them was seen, and when that call had left. */
  failedAt: number
  failedCallAt: number
  /** Not asked before then; a master's tasks go to the API host meanwhile. */
  blockedUntil: number
  /** Error 8 or HTTP 429 asked to wait until then: an answer to another call does not shorten it. */
  toldUntil: number
}

export function createHost(origin: string): Host {
  return {
    origin,
    known: createBatchQueue(),
    fresh: createBatchQueue(),
    freshApartUntil: 0,
    searchedUntil: 0,
    lone: createFifo(),
    inFlight: 0,
    suspectsInFlight: 0,
    joinAt: 0,
    waiters: { fallback: createFifo(), loneFallback: createFifo(), split: createFifo() },
    line: [...queues, ...furtherCalls],
    answered: 0,
    failures: 0,
    failedAt: 0,
    failedCallAt: 0,
    blockedUntil: 0,
    toldUntil: 0,
  }
}

/** It had its turn. */
export function toEnd({ line }: Host, turn: Turn): void {
  line.splice(line.indexOf(turn), 1)
  line.push(turn)
}

/** When a call for due tasks may leave; in the past when it may now. */
export function mayJoinAt({ inFlight, joinAt }: Host): number {
  return inFlight > 0 ? joinAt : 0
}

/** How many due tasks wait for a call of the host. */
export function waitingAt({ known, fresh, lone }: Host): number {
  return known.tasks.length + fresh.tasks.length + lone.length
}

/** How many calls these are. */
export function callsWaiting({ known, fresh, lone }: Host, batch: number): number {
  return lone.length + Math.ceil((known.tasks.length + fresh.tasks.length) / batch)
}

export function isBlocked(host: Host, now: number): boolean {
  return unblockedAt(host) > now
}

/** When it may be asked again; in the past when it may be asked now. */
export function unblockedAt(host: Host): number {
  return Math.max(host.blockedUntil, host.toldUntil)
}

/** What was last heard of it was a failure, or nothing since the start. */
export function isInDoubt(host: Host): boolean {
  return host.answered === 0
}

/** So many answers in a row show that not every second call fails, nor every tenth. */
const provenAfter = 10

export function isProven(host: Host): boolean {
  return host.answered >= provenAfter
}

/** It failed before and is being tried again: one call at a time until it answers. */
export function isOnProbation(host: Host): boolean {
  return host.failures >= 2
}

export function noteAnswer(host: Host): void {
  host.answered++
  host.failures = 0
  host.searchedUntil = 0
  host.blockedUntil = 0
}

/** Error 13 or 5 is an answer, and says that there are bad tokens about: each is asked for once in the longest interval. */
export function noteRefusal(host: Host, now: number, intervalMaxMs: number): void {
  noteAnswer(host)
  host.freshApartUntil = now + rememberedIntervals * intervalMaxMs
}

/** @returns false while another search shows whether it is a token or the host, a proxy's page for everything for one */
export function beginSearch(host: Host, now: number, intervalMaxMs: number): boolean {
  if (now < host.searchedUntil) return false
  host.searchedUntil = now + rememberedIntervals * intervalMaxMs
  return true
}

/** A call that leaves before then counts as one with the failure before, if it fails. */
function countsFrom({ failedAt, failedCallAt }: Host, pace: { intervalMs: number }): number {
  return Math.max(failedAt, failedCallAt + restMs(pace))
}

/** When it may be tried. Trials that fail at once, one after the other, would count as one failure: it would not back off. */
export function triableAt(host: Host, pace: { intervalMs: number }): number {
  return Math.max(unblockedAt(host), countsFrom(host, pace))
}

/**
 * Calls that were under way together count as one failure, and so do those that leave one by one within a look. One alone is
 * retried; repeated ones back off.
 */
export function noteFailedCall(
  host: Host,
  call: { startedAt: number; now: number; intervalMs: number; intervalMaxMs: number; chance: number },
): void {
  // The clock may have been set back since it left.
  const startedAt = Math.min(call.startedAt, call.now)
  if (startedAt < countsFrom(host, call)) return
  host.answered = 0
  host.failures++
  host.failedAt = call.now
  host.failedCallAt = startedAt
  if (host.failures < 2) return
  host.blockedUntil = call.now + hostBackoffMs({ ...call, failures: host.failures - 1 })
}

/** Neither a task nor a poll waits for it, and no call is under way. */
export function isIdle(host: Host): boolean {
  return (
    waitingAt(host) + host.inFlight === 0 && furtherCalls.every((call) => host.waiters[call].length === 0)
  )
}

/** Nothing is under way, and what it failed or refused is too long ago to matter. */
export function isForgettable(host: Host, now: number, intervalMaxMs: number): boolean {
  if (!isIdle(host) || now < host.freshApartUntil) return false
  if (host.failures === 0 && !isBlocked(host, now)) return true
  return Math.max(unblockedAt(host), host.failedAt) + rememberedIntervals * intervalMaxMs < now
}

/** The wall clock went back: what was to be in a while is in a while still. */
export function setHostBack(host: Host, byMs: number): void {
  for (const queue of [host.known, host.fresh]) if (queue.flushAt !== null) queue.flushAt -= byMs
  host.joinAt -= byMs
  host.freshApartUntil -= byMs
  host.searchedUntil -= byMs
  host.failedAt -= byMs
  host.failedCallAt -= byMs
  host.blockedUntil -= byMs
  host.toldUntil -= byMs
}
