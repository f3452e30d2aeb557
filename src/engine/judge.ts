/** What the replies to a batch come to: which are written down, which tasks failed, which are asked for once more. */
import { readingOf, repeats } from '../core/snapshot.ts'
import type { PollLimits, PollResult } from '../store/polls.ts'
import { notAsked, type Reply } from './ask.ts'
import type { Entry } from './entry.ts'
import { answerOf, isNews } from './news.ts'

export interface Judgement {
  /** To be written down. */
  news: PollResult[]
  /** Nobody answered for them. */
  failed: Set<Entry>
  /** Their time has run out, and nobody could be asked: an end seen at the last poll wins, so that waits for its turn. */
  putOff: Set<Entry>
}

export interface Judge {
  /**
   * No reply counts as one that could not be had.
   * @param polledAt when the batch was asked for
   */
  weigh(batch: readonly Entry[], replies: ReadonlyMap<string, Reply>, polledAt: number, at: number): Judgement
  clockWentBack(byMs: number): void
  /** From now on that a reply could not be had is no fault of upstream, and comes to nothing. */
  cutOff(): void
}

/** @param limits `intervalMs` is how often an outage is written down: a gap in it is time this relay was not up */
export function createJudge(
  limits: PollLimits & { intervalMs: number },
  statusOrigin: (statusUrl: string) => string | null,
): Judge {
  let outageSeenAt = 0
  let isCutOff = false

  function awaitsLastPoll({ watch }: Entry, reply: Reply, polledAt: number, at: number): boolean {
    if (reply.kind !== 'failed' || reply.asked || watch.expiresAt > polledAt) return false
    return at < watch.expiresAt + limits.stalledAfterMs
  }

  return {
    weigh(batch, replies, polledAt, at) {
      const news: PollResult[] = []
      const failed = new Set<Entry>()
      const putOff = new Set<Entry>()
      for (const entry of batch) {
        const { token, watch } = entry
        // Nobody waits for it any more. Registered anew meanwhile the task is another entry, which has a poll of its own.
        if (!entry.wanted) continue
        const reply = replies.get(token) ?? notAsked
        if (isCutOff && reply.kind === 'failed') continue
        if (reply.kind === 'known' && repeats(reply.entry, entry.seen) && watch.expiresAt > polledAt) continue
        const awaits = awaitsLastPoll(entry, reply, polledAt, at)
        const answer = answerOf(reply, statusOrigin)
        if (awaits) putOff.add(entry)
        else if (answer.kind === 'failed') failed.add(entry)
        const outage = answer.kind === 'failed' && Math.abs(at - outageSeenAt) >= limits.intervalMs
        // That it fails is told all the same: a stall is, to whoever waits for the task besides.
        const endsBy = awaits ? Number.NEGATIVE_INFINITY : polledAt
        if (!outage && !isNews(watch, answer, limits, endsBy, at)) {
          entry.seen = reply.kind === 'known' ? readingOf(reply.entry) : null
          continue
        }
        news.push({ token, answer, polledAt, awaitsLastPoll: awaits })
        if (answer.kind === 'failed') outageSeenAt = at
      }
      return { news, failed, putOff }
    },

    clockWentBack(byMs) {
      outageSeenAt -= byMs
    },

    cutOff() {
      isCutOff = true
    },
  }
}
