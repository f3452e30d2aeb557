/**
 * Asking upstream for a batch of tokens until each has an answer: the task's host, then the API host in the
 * same pass, splitting a batch that one bad token spoils (CONTRACT §5.3, §5.4). Knows no schedule and no store.
 */
import type { Clock, Log, Random, StatusAnswer, Upstream, UpstreamFailure } from '../ports.ts'
import {
  beginSearch,
  type FurtherCall,
  type Host,
  isBlocked,
  isOnProbation,
  noteAnswer,
  noteFailedCall,
  noteRefusal,
  type Purpose,
  purposeOf,
} from './host.ts'
import type { Places } from './hosts.ts'

export type Reply =
  | { kind: 'known'; entry: Record<string, unknown> }
  /** `askAlone`: upstream refused it in a call of its own. From now on it has no other. */
  | { kind: 'unknown'; askAlone: boolean }
  /**
   * `asked`: a host was, and failed; else see `notAsked`.
   * `askAlone`: upstream answers others, but what it says of this token cannot be read, though it had a call of its own.
   */
  | { kind: 'failed'; asked: boolean; askAlone: boolean }

/** There was no host to ask, or it said to come back later. */
export const notAsked = { kind: 'failed', asked: false, askAlone: false } as const
const failed = { kind: 'failed', asked: true, askAlone: false } as const

export interface AskContext {
  upstream: Upstream
  now: Clock
  random: Random
  log: Log
  places: Places
  poll: { intervalMs: number; intervalMaxMs: number }
  apiHost: Host
  /** Those that somebody still waits for: the others are not asked for at the API host too. */
  stillWanted(): ReadonlySet<string>
  /** A place at a host is free while the poll that had it goes on elsewhere. */
  wake(): void
  onCall(call: { api: boolean; tokens: number; outcome: string; durationMs: number }): void
}

/** A batch at one host, and what it came to; `retry` is for the API host, `retryAlone` one token a call. */
interface Round {
  context: AskContext
  host: Host
  replies: Map<string, Reply>
  retry: string[]
  retryAlone: string[]
}

/** What keeps a call from being of use to all of its tokens: one that upstream refuses, or an answer that cannot be read. */
type Spoiled = 'refused' | 'unread'

/** After so many unreadable answers in a row it is the host, not a token. Of up to three tokens one is found before. */
const unreadInARowMax = 6

/** One reply per token that is still wanted. The caller acquired the place at `host`, which is released here. */
export async function askForAll(
  context: AskContext,
  host: Host,
  tokens: readonly string[],
  purpose: Purpose,
): Promise<Map<string, Reply>> {
  const round: Round = { context, host, replies: new Map(), retry: [], retryAlone: [] }
  const spoiled = await ask(round, tokens, purpose)
  if (spoiled !== null) await findSpoilers(round, tokens, spoiled, purpose)
  const { replies, retry, retryAlone } = round
  if (host === context.apiHost) {
    replyAll(round, retry, { kind: 'unknown', askAlone: false })
    replyAll(round, retryAlone, { kind: 'unknown', askAlone: true })
    return replies
  }
  // What is due at this host need not wait until the API host has answered.
  if (retry.length + retryAlone.length > 0) context.wake()
  if (retry.length > 0) await askApiHost(round, retry, purpose === 'batch' ? 'fallback' : 'loneFallback')
  for (const token of retryAlone) await askApiHost(round, [token], 'loneFallback')
  return replies
}

/** For what the master of the round could not answer. */
async function askApiHost(round: Round, tokens: readonly string[], further: FurtherCall): Promise<void> {
  const { context, replies } = round
  const { apiHost, now } = context
  if (isBlocked(apiHost, now())) {
    replyAll(round, tokens, notAsked)
    return
  }
  const left = await acquireFor(context, apiHost, tokens, further)
  if (left.length === 0) return
  for (const [token, reply] of await askForAll(context, apiHost, left, purposeOf[further]))
    replies.set(token, reply)
}

/**
 * The wait for a place may be long enough for the next poll of a task that ended and began anew.
 * @returns those that are still wanted: if none is there is no place to release
 */
async function acquireFor(
  context: AskContext,
  host: Host,
  tokens: readonly string[],
  further: FurtherCall,
): Promise<string[]> {
  await context.places.acquire(host, further)
  const wanted = context.stillWanted()
  const left = tokens.filter((token) => wanted.has(token))
  if (left.length === 0) context.places.release(host, purposeOf[further])
  return left
}

/** @returns null when each of the tokens has come to something */
async function ask(round: Round, tokens: readonly string[], purpose: Purpose): Promise<Spoiled | null> {
  try {
    return await call(round, tokens, purpose)
  } finally {
    round.context.places.release(round.host, purpose)
  }
}

/** Halves what is spoiled until what spoils it stands alone: some 2 log2 n calls for one such token among n. */
async function findSpoilers(
  round: Round,
  tokens: readonly string[],
  spoiled: Spoiled,
  purpose: Purpose,
): Promise<void> {
  const { context, host } = round
  const parts = halves(round, tokens, spoiled)
  let unreadInARow = spoiled === 'unread' ? 1 : 0
  // Grows while it is walked through.
  for (const part of parts) {
    if (unreadInARow >= unreadInARowMax) {
      replyAll(round, part, failed)
      continue
    }
    const left = await acquireFor(context, host, part, 'split')
    if (left.length === 0) continue
    const found = await ask(round, left, 'suspects')
    unreadInARow = found === 'unread' ? unreadInARow + 1 : 0
    if (found !== null) parts.push(...halves(round, left, found))
  }
  // Nothing could be read: that is the failure of the host as which the first call did not count.
  if (purpose === 'batch' && spoiled === 'unread' && host.searchedUntil > 0)
    noteFailure(round, context.now(), { outcome: 'unreadable' })
}

/** One that is alone has come to something. */
function halves(round: Round, tokens: readonly string[], spoiled: Spoiled): (readonly string[])[] {
  if (tokens.length > 1) {
    const middle = tokens.length >> 1
    return [tokens.slice(0, middle), tokens.slice(middle)]
  }
  if (spoiled === 'refused') round.retryAlone.push(...tokens)
  else replyAll(round, tokens, { ...failed, askAlone: true })
  return []
}

async function call(round: Round, tokens: readonly string[], purpose: Purpose): Promise<Spoiled | null> {
  const { context, host } = round
  const startedAt = context.now()
  const api = host === context.apiHost
  // Told to wait since this call was planned, by the other half of its batch for one; or it failed since.
  if (host.toldUntil > startedAt || (api && isBlocked(host, startedAt)))
    return replyAll(round, tokens, notAsked)
  if (isBlocked(host, startedAt)) return retryAll(round, tokens)
  const answer = await context.upstream.status(host.origin, tokens)
  const now = context.now()
  const outcome = outcomeOf(answer)
  // The clock may have been set back since.
  context.onCall({ api, tokens: tokens.length, outcome, durationMs: Math.max(0, now - startedAt) })
  // Suspects that fail at the API host do not count against it: backing off, it would leave all other tasks unpolled.
  const counts = !api || purpose === 'batch'
  // A probe that fails is no news: what it asked for goes to the API host, like the other tasks of its master (CONTRACT §5.3).
  const isProbe = !api && isOnProbation(host)
  switch (answer.kind) {
    case 'statuses':
      tellIfBack(round)
      noteAnswer(host)
      for (const token of tokens) {
        const entry = answer.statuses.get(token)
        if (entry === undefined) round.retry.push(token)
        else round.replies.set(token, { kind: 'known', entry })
      }
      return null
    case 'failed': {
      const unread = isUnread(answer.reason)
      if (unread && purpose === 'suspects') {
        if (api) return 'unread'
        // No failure of a master either: its other tasks would be asked for elsewhere, where perhaps nobody knows them.
        if (tokens.length === 1) return retryAll(round, tokens)
      }
      const isSearch = api && unread && tokens.length > 1
      if (isSearch && beginSearch(host, now, context.poll.intervalMaxMs)) return 'unread'
      // A batch of one may be spoiled by its token as well as by the host: as long as the host does not fail, both are suspected.
      const askAlone = unread && tokens.length === 1 && host.failures === 0
      if (counts) noteFailure(round, startedAt, { outcome })
      return api ? replyAll(round, tokens, { ...failed, askAlone }) : retryAll(round, tokens)
    }
    case 'busy': {
      if (counts) noteFailure(round, startedAt, { outcome })
      const told = now + (answer.retryAfterMs ?? context.poll.intervalMs)
      host.toldUntil = Math.max(host.toldUntil, told)
      return isProbe ? retryAll(round, tokens) : replyAll(round, tokens, notAsked)
    }
    case 'error':
      if (outcome === 'refused') {
        tellIfBack(round)
        noteRefusal(host, now, context.poll.intervalMaxMs)
        return 'refused'
      }
      if (counts) noteFailure(round, startedAt, { outcome, code: answer.code, message: answer.message })
      return isProbe ? retryAll(round, tokens) : replyAll(round, tokens, failed)
  }
}

/** An error 13 or 5 tells of a token, not of the host that gave it (CONTRACT §5.4). */
function outcomeOf(answer: StatusAnswer) {
  if (answer.kind === 'failed') return answer.reason
  const refused = answer.kind === 'error' && (answer.code === 13 || answer.code === 5)
  return refused ? 'refused' : answer.kind
}

/** One failure says nothing yet. From the second on the host is left alone, and whoever operates this is to know why. */
function noteFailure({ context, host }: Round, startedAt: number, why: Record<string, unknown>): void {
  const { log, now, poll, random } = context
  const wasFailing = isOnProbation(host)
  noteFailedCall(host, { startedAt, now: now(), ...poll, chance: random() })
  if (!wasFailing && isOnProbation(host)) log.warn('upstream fails', { origin: host.origin, ...why })
}

function tellIfBack({ context, host }: Round): void {
  if (isOnProbation(host)) context.log.info('upstream answers again', { origin: host.origin })
}

function isUnread(reason: UpstreamFailure): boolean {
  return reason === 'unreadable' || reason === 'too_large'
}

function retryAll(round: Round, tokens: readonly string[]): null {
  round.retry.push(...tokens)
  return null
}

function replyAll({ replies }: Round, tokens: readonly string[], reply: Reply): null {
  for (const token of tokens) replies.set(token, reply)
  return null
}
