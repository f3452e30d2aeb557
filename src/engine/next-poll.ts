/** When a task is polled next (CONTRACT §5.2), and what holds that up. Knows neither queues nor calls. */
import { pollWaitMs } from '../core/backoff.ts'
import type { Random } from '../ports.ts'
import type { PollLimits } from '../store/polls.ts'
import type { Watch } from '../store/watches.ts'
import type { Entry } from './entry.ts'
import { type Host, unblockedAt } from './host.ts'
import type { Judgement } from './judge.ts'
import type { PollSettings } from './poll-ports.ts'

export interface NextPollDeps {
  settings: Pick<PollSettings, 'intervalMs' | 'intervalMaxMs'>
  limits: PollLimits
  random: Random
  apiHost: Host
  /** Since their poll began. */
  hinted: ReadonlySet<Entry>
}

export interface NextPoll {
  /** At `at`: later while the interval is not over, sooner where its time runs out before, as that takes a last poll. */
  plannedAt(entry: Entry, at: number): number
  /**
   * After the poll of its batch, which is settled.
   * @param judged null when it could not be judged
   * @param polledAt when it was asked for
   */
  after(entry: Entry, judged: Judgement | null, polledAt: number, at: number): number
}

export function createNextPoll({ settings, limits, random, apiHost, hinted }: NextPollDeps): NextPoll {
  const { intervalMs, intervalMaxMs } = settings

  function plannedAt(entry: Entry, at: number): number {
    return Math.max(soonestAt(entry), Math.min(at, entry.watch.expiresAt))
  }

  function soonestAt({ polledAt }: Entry): number {
    return polledAt + intervalMs
  }

  function waitMs(entry: Entry, failed: boolean, at: number): number {
    // Before the API host may be asked again it would most likely fail again.
    const blockedMs = failed ? Math.max(0, unblockedAt(apiHost) - at) : 0
    if (hinted.has(entry)) return Math.min(blockedMs, intervalMaxMs)
    // Once a second answer was like the first, and within its step, there is none to wait for.
    if (entry.watch.regressed && entry.seen === null) return intervalMs
    const sinceChangeMs = at - entry.watch.changedAt
    const wait = pollWaitMs({ intervalMs, intervalMaxMs, sinceChangeMs, chance: random() })
    return Math.max(wait, Math.min(blockedMs, intervalMaxMs))
  }

  /** When the last poll of one whose time is over is tried again. */
  function putOffUntil({ watch }: Entry, at: number): number {
    const askAt = Math.min(unblockedAt(apiHost), awaitsUntil(watch, limits))
    // Not for longer than any other waits: a gap in what is seen to fail counts as time that this relay was not up.
    return Math.max(at + intervalMs, Math.min(askAt, at + intervalMaxMs))
  }

  return {
    plannedAt,

    after(entry, judged, polledAt, at) {
      const failed = judged?.failed.has(entry) === true
      const nextAt = at + waitMs(entry, failed, at)
      if (judged?.putOff.has(entry)) return putOffUntil(entry, at)
      // That its time is over could not be written: it is no reason to ask again at once.
      if (failed && entry.watch.expiresAt <= polledAt) return Math.max(soonestAt(entry), nextAt)
      return plannedAt(entry, nextAt)
    },
  }
}

/** While nobody can be asked a last poll is put off, but neither for ever nor beyond when a stall is to be told. */
function awaitsUntil({ expiresAt, failingSince, stalled }: Watch, { stalledAfterMs }: PollLimits): number {
  const failing = stalled ? null : failingSince
  return Math.min(expiresAt, failing ?? expiresAt) + stalledAfterMs
}
