/**
 * Asking upstream for a batch of tokens until each has an answer: the task's host, then the API host in the
 * same pass, splitting a batch that one bad token spoils (CONTRACT §5.3, §5.4). Knows no schedule and no store.
 */
import type { Clock, Random, Upstream } from '../ports.ts'
import type { Entry } from './entry.ts'
import { type Host, isBlocked, noteAnswer, noteFailedCall, type Place } from './host.ts'
import type { Places } from './hosts.ts'

export type Reply =
  | { kind: 'known'; entry: Record<string, unknown> }
  | { kind: 'unknown'; alone: boolean }
  /** `asked`: a host was, and failed; else there was none to ask, or it said to come back later. */
  | { kind: 'failed'; asked: boolean }

export interface AskContext {
  upstream: Upstream
  now: Clock
  random: Random
  places: Places
  poll: { intervalMs: number; intervalMaxMs: number }
  apiHost: Host<Entry>
  /** Those that somebody still waits for: the others are not asked for at the API host too. */
  stillWanted(): ReadonlySet<string>
  onCall(call: { api: boolean; tokens: number; outcome: string; durationMs: number }): void
}

/** What a batch came to at one host; `retry` is for the API host, `retryAlone` one token a call. */
interface Round {
  replies: Map<string, Reply>
  retry: string[]
  retryAlone: string[]
}

/** One reply per token that is still wanted. The caller acquired the `place` at `host`, which is released here. */
export async function askForAll(
  context: AskContext,
  host: Host<Entry>,
  tokens: readonly string[],
  place: Place,
): Promise<Map<string, Reply>> {
  const round: Round = { replies: new Map(), retry: [], retryAlone: [] }
  await ask(context, host, tokens, place, round)
  const { apiHost } = context
  if (host === apiHost) {
    for (const token of round.retry) round.replies.set(token, { kind: 'unknown', alone: false })
    for (const token of round.retryAlone) round.replies.set(token, { kind: 'unknown', alone: true })
    return round.replies
  }
  const again = (batch: readonly string[], at: Place) => askApiHost(context, batch, at, round.replies)
  if (round.retry.length > 0) await again(round.retry, 'batch')
  for (const token of round.retryAlone) await again([token], 'suspects')
  return round.replies
}

async function askApiHost(
  context: AskContext,
  tokens: readonly string[],
  place: Place,
  replies: Map<string, Reply>,
): Promise<void> {
  const { apiHost, now } = context
  if (isBlocked(apiHost, now())) {
    for (const token of tokens) replies.set(token, { kind: 'failed', asked: false })
    return
  }
  const left = await acquireFor(context, apiHost, tokens, place)
  if (left.length === 0) return
  for (const [token, reply] of await askForAll(context, apiHost, left, place)) replies.set(token, reply)
}

/**
 * The wait for a place may be long enough for the next poll of a task that ended and began anew.
 * @returns those that are still wanted: if none is there is no place to release
 */
async function acquireFor(
  context: AskContext,
  host: Host<Entry>,
  tokens: readonly string[],
  place: Place,
): Promise<string[]> {
  await context.places.acquire(host, place)
  const wanted = context.stillWanted()
  const left = tokens.filter((token) => wanted.has(token))
  if (left.length === 0) context.places.release(host, place)
  return left
}

async function ask(
  context: AskContext,
  host: Host<Entry>,
  tokens: readonly string[],
  place: Place,
  round: Round,
): Promise<void> {
  let isSpoiled: boolean
  try {
    isSpoiled = await call(context, host, tokens, round)
  } finally {
    context.places.release(host, place)
  }
  if (!isSpoiled) return
  if (tokens.length === 1) {
    round.retryAlone.push(...tokens)
    return
  }
  const middle = tokens.length >> 1
  for (const half of [tokens.slice(0, middle), tokens.slice(middle)]) {
    const left = await acquireFor(context, host, half, 'suspects')
    if (left.length > 0) await ask(context, host, left, 'suspects', round)
  }
}

/** @returns whether error 13 or 5 spoiled the call: for one bad token, which is to be found */
async function call(
  context: AskContext,
  host: Host<Entry>,
  tokens: readonly string[],
  round: Round,
): Promise<boolean> {
  const startedAt = context.now()
  // Told to wait since this call was planned, by the other half of its batch for one.
  if (host.toldUntil > startedAt) {
    fail(round, tokens, false)
    return false
  }
  const answer = await context.upstream.status(host.origin, tokens)
  const now = context.now()
  const outcome = answer.kind === 'failed' ? answer.reason : answer.kind
  const api = host === context.apiHost
  context.onCall({ api, tokens: tokens.length, outcome, durationMs: now - startedAt })
  switch (answer.kind) {
    case 'statuses':
      noteAnswer(host)
      for (const token of tokens) {
        const entry = answer.statuses.get(token)
        if (entry === undefined) round.retry.push(token)
        else round.replies.set(token, { kind: 'known', entry })
      }
      return false
    case 'failed':
      noteFailedCall(host, { startedAt, now, ...context.poll, chance: context.random() })
      if (api) fail(round, tokens, true)
      else round.retry.push(...tokens)
      return false
    case 'busy':
      wait(context, host, answer.retryAfterMs, startedAt)
      fail(round, tokens, false)
      return false
    case 'error':
      if (answer.code === 13 || answer.code === 5) {
        noteAnswer(host)
        return true
      }
      noteFailedCall(host, { startedAt, now, ...context.poll, chance: context.random() })
      fail(round, tokens, true)
      return false
  }
}

function fail(round: Round, tokens: readonly string[], asked: boolean): void {
  for (const token of tokens) round.replies.set(token, { kind: 'failed', asked })
}

function wait(context: AskContext, host: Host<Entry>, retryAfterMs: number | null, startedAt: number): void {
  const now = context.now()
  noteFailedCall(host, { startedAt, now, ...context.poll, chance: context.random() })
  const told = now + (retryAfterMs ?? context.poll.intervalMs)
  host.toldUntil = Math.max(host.toldUntil, told)
}
