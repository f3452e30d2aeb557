/**
 * Asking upstream for a batch of tokens until each has an answer: the task's host, then the API host in the
 * same pass, splitting a batch that one bad token spoils (CONTRACT §5.3, §5.4). Knows no schedule and no store.
 */
import type { Clock, Random, StatusAnswer, Upstream } from '../ports.ts'
import { acquire, type Host, isBlocked, noteAnswer, noteFailedCall, release } from './host.ts'

export type Reply =
  | { kind: 'known'; entry: Record<string, unknown> }
  | { kind: 'unknown'; alone: boolean }
  /** `asked`: a host was, and failed; else there was none to ask, or it said to come back later. */
  | { kind: 'failed'; asked: boolean }

export interface AskContext {
  upstream: Upstream
  now: Clock
  random: Random
  poll: { intervalMs: number; intervalMaxMs: number; concurrency: number }
  apiHost: Host<unknown>
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

/** One reply per token. Holds a place at `host`, which the caller acquired, until that host has answered. */
export async function askForAll(
  context: AskContext,
  host: Host<unknown>,
  tokens: readonly string[],
): Promise<Map<string, Reply>> {
  const round: Round = { replies: new Map(), retry: [], retryAlone: [] }
  try {
    await ask(context, host, tokens, round)
  } finally {
    release(host)
  }
  const { apiHost } = context
  if (host === apiHost) {
    for (const token of round.retry) round.replies.set(token, { kind: 'unknown', alone: false })
    for (const token of round.retryAlone) round.replies.set(token, { kind: 'unknown', alone: true })
    return round.replies
  }
  const batches =
    round.retry.length > 0 ? [round.retry, ...singles(round.retryAlone)] : singles(round.retryAlone)
  for (const batch of batches) {
    for (const [token, reply] of await askApiHost(context, batch)) round.replies.set(token, reply)
  }
  return round.replies
}

function singles(tokens: readonly string[]): string[][] {
  return tokens.map((token) => [token])
}

async function askApiHost(context: AskContext, tokens: readonly string[]): Promise<Map<string, Reply>> {
  const { apiHost, now, poll } = context
  if (isBlocked(apiHost, now()))
    return new Map(tokens.map((token) => [token, { kind: 'failed', asked: false }]))
  await acquire(apiHost, poll.concurrency)
  // The wait for a place may have been long enough for the next poll of a task that ended and began anew.
  const wanted = context.stillWanted()
  const left = tokens.filter((token) => wanted.has(token))
  if (left.length > 0) return askForAll(context, apiHost, left)
  release(apiHost)
  return new Map()
}

async function ask(
  context: AskContext,
  host: Host<unknown>,
  tokens: readonly string[],
  round: Round,
): Promise<void> {
  const startedAt = context.now()
  // Told to wait since this call was planned, by the other half of its batch for one.
  if (host.toldUntil > startedAt) return fail(round, tokens, false)
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
      return
    case 'failed':
      noteFailedCall(host, { startedAt, now, ...context.poll, chance: context.random() })
      if (api) fail(round, tokens, true)
      else round.retry.push(...tokens)
      return
    case 'busy':
      wait(context, host, answer.retryAfterMs, startedAt)
      fail(round, tokens, false)
      return
    case 'error':
      return refused(context, host, tokens, round, answer, startedAt)
  }
}

/** Error 13 or 5 spoils a whole call for one bad token: split until it stands alone. */
async function refused(
  context: AskContext,
  host: Host<unknown>,
  tokens: readonly string[],
  round: Round,
  answer: Extract<StatusAnswer, { kind: 'error' }>,
  startedAt: number,
): Promise<void> {
  if (answer.code !== 13 && answer.code !== 5) {
    noteFailedCall(host, { startedAt, now: context.now(), ...context.poll, chance: context.random() })
    fail(round, tokens, true)
    return
  }
  noteAnswer(host)
  if (tokens.length === 1) {
    round.retryAlone.push(...tokens)
    return
  }
  const middle = tokens.length >> 1
  await ask(context, host, tokens.slice(0, middle), round)
  await ask(context, host, tokens.slice(middle), round)
}

function fail(round: Round, tokens: readonly string[], asked: boolean): void {
  for (const token of tokens) round.replies.set(token, { kind: 'failed', asked })
}

function wait(
  context: AskContext,
  host: Host<unknown>,
  retryAfterMs: number | null,
  startedAt: number,
): void {
  const now = context.now()
  noteFailedCall(host, { startedAt, now, ...context.poll, chance: context.random() })
  const told = now + (retryAfterMs ?? context.poll.intervalMs)
  host.toldUntil = Math.max(host.toldUntil, told)
}
