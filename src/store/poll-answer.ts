/**
 * What an answer of upstream makes of a task: its transitions, its row as it is after them, and the result that is kept.
 * Reads and writes nothing.
 */
import { type StoredResult, storedResultBytesMax, utf8BytesOver } from '../core/payload.ts'
import type { Observation } from '../core/snapshot.ts'
import type { Wish } from '../core/subscription.ts'
import { type Change, diff, type KnownState, lostChange, stalledChange } from '../core/transition.ts'
import type { PolledTask, TaskRow } from './tasks.ts'

/** What upstream said about one token. */
export type PollAnswer =
  /** `statusUrl` was checked against the policy already; null is no change. */
  | { kind: 'known'; observation: Observation; statusUrl: string | null }
  /** `askAlone`: error 13 or 5 in a call of its own (CONTRACT §5.4). */
  | { kind: 'unknown'; askAlone: boolean }
  /** Neither its host nor the API host gave one. */
  | { kind: 'failed' }

export const nothingStored: StoredResult = { json: null, dropped: false }

export function applyAnswer(
  state: PolledTask & { live: readonly Pick<Wish, 'percentStep'>[] },
  answer: PollAnswer,
  { limits, now }: { limits: { lostAfterMs: number; stalledAfterMs: number }; now: number },
): { changes: Change[]; next: TaskRow } {
  const { row } = state
  const known: KnownState = {
    status: state.snapshot?.status ?? null,
    percent: state.snapshot?.percent ?? null,
    regressed: row.regressedAt !== null,
    stalled: row.stalled === 1,
  }
  switch (answer.kind) {
    case 'known': {
      const { changes, regressed } = diff(
        known,
        answer.observation,
        state.live.map((to) => to.percentStep),
      )
      const next = answered(row)
      next.unknownSince = null
      next.askedAlone = 0
      next.regressedAt = regressed ? (row.regressedAt ?? now) : null
      next.statusUrl = answer.statusUrl ?? row.statusUrl
      return { changes, next: ended(next, changes, now) }
    }
    case 'unknown': {
      const changes = known.stalled ? diff(known, noNews, []).changes : []
      const next = answered(row)
      next.unknownSince = row.unknownSince ?? now
      next.askedAlone = answer.askAlone ? 1 : row.askedAlone
      if (now - next.unknownSince >= limits.lostAfterMs) changes.push(lostChange(known))
      return { changes, next: ended(next, changes, now) }
    }
    case 'failed': {
      const next = { ...row, failingSince: row.failingSince ?? now }
      const stalls = !known.stalled && now - next.failingSince >= limits.stalledAfterMs
      return stalls
        ? { changes: [stalledChange(known)], next: { ...next, stalled: 1 } }
        : { changes: [], next }
    }
  }
}

const noNews: Observation = { status: null, percent: null, end: null, error: null, statusUrl: null, raw: {} }

function answered(row: TaskRow): TaskRow {
  return { ...row, failingSince: null, stalled: 0 }
}

function ended(row: TaskRow, changes: readonly Change[], now: number): TaskRow {
  const end = changes.at(-1)?.end ?? null
  return end === null ? row : { ...row, end, endedAt: now, polling: 0 }
}

/** Of the status object that ended the task. */
export function storedResult(answer: PollAnswer, changes: readonly Change[]): StoredResult {
  if (answer.kind !== 'known' || (changes.at(-1)?.end ?? null) === null) return nothingStored
  const json = serialise(answer.observation.raw)
  if (json === null || utf8BytesOver(json, storedResultBytesMax)) return { json: null, dropped: true }
  return { json, dropped: false }
}

/** Null for what can be parsed but not serialised again: nested a few thousand levels deep. */
function serialise(raw: Record<string, unknown>): string | null {
  try {
    return JSON.stringify(raw)
  } catch {
    return null
  }
}
