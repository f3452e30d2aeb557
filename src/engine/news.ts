/** Whether an answer is worth a transaction: a poll that changes nothing writes nothing (DESIGN §3.4). */
import { type Observation, parseStatusEntry } from '../core/snapshot.ts'
import { diff } from '../core/transition.ts'
import type { PollAnswer } from '../store/poll-answer.ts'
import type { Watch } from '../store/watches.ts'
import type { Reply } from './ask.ts'

/** A reply in the store's terms. A `status_url` that policy does not allow changes nothing. */
export function answerOf(reply: Reply, statusOrigin: (statusUrl: string) => string | null): PollAnswer {
  if (reply.kind !== 'known') return reply
  const observation = parseStatusEntry(reply.entry)
  const { statusUrl } = observation
  const allowed = statusUrl !== null && statusOrigin(statusUrl) !== null
  return { kind: 'known', observation, statusUrl: allowed ? statusUrl : null }
}

/**
 * Would recording this answer write anything? Decided from memory alone.
 * @param endsBy subscriptions whose time ran out by then are expired
 */
export function isNews(
  watch: Watch,
  answer: PollAnswer,
  limits: { lostAfterMs: number; stalledAfterMs: number },
  endsBy: number,
  now: number,
): boolean {
  if (watch.expiresAt <= endsBy) return true
  if (answer.kind === 'failed') {
    if (watch.failingSince === null) return true
    return !watch.stalled && now - watch.failingSince >= limits.stalledAfterMs
  }
  if (watch.stalled || watch.failingSince !== null) return true
  if (answer.kind === 'unknown') {
    if (watch.unknownSince === null || now - watch.unknownSince >= limits.lostAfterMs) return true
    return answer.askAlone && !watch.askedAlone
  }
  if (watch.unknownSince !== null || watch.askedAlone || watch.awaitsState) return true
  if (answer.statusUrl !== null && answer.statusUrl !== watch.statusUrl) return true
  return changes(watch, answer.observation)
}

function changes(watch: Watch, observation: Observation): boolean {
  const found = diff(watch, observation, watch.steps)
  return found.changes.length > 0 || found.regressed !== watch.regressed
}
