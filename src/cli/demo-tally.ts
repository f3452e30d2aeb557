/** Keeps the demo's score: which jobs have ended, how, whether every webhook verified and came in order. */
import { isTerminalType } from '../core/transition.ts'
import type { ReceivedWebhook } from './receiver.ts'

export interface Tally {
  add(received: ReceivedWebhook): void
  /** Resolves once every expected job has ended. */
  ended: Promise<void>
  summary(): Score
}

export interface Score {
  verified: number
  refused: number
  /** Webhooks that came for the first time and yet with a `seq` that did not rise (CONTRACT §4.2). */
  disordered: number
  /** Terminal type of each job that has ended. */
  ends: ReadonlyMap<string, string>
  ok: boolean
}

/** @param expected the terminal type that each job, by name, has to end with */
export function createTally(expected: ReadonlyMap<string, string>): Tally {
  const seen = new Map<string, string>()
  const ended = Promise.withResolvers<void>()
  let verified = 0
  let refused = 0
  let disordered = 0
  const seqs = new Map<string, number>()
  return {
    add({ verified: fits, repeat, event }) {
      if (!fits) {
        refused += 1
        return
      }
      verified += 1
      if (event === null) return
      const { seq, metadata, subscription_id } = event.data
      if (seq !== null && !repeat) {
        if (seq <= (seqs.get(subscription_id) ?? 0)) disordered += 1
        seqs.set(subscription_id, seq)
      }
      const name = metadata.job
      if (name === undefined || !expected.has(name) || !isTerminalType(event.type)) return
      seen.set(name, event.type)
      if (seen.size === expected.size) ended.resolve()
    },
    ended: ended.promise,
    summary: () => ({
      verified,
      refused,
      disordered,
      ends: seen,
      ok: refused === 0 && disordered === 0 && [...expected].every(([name, type]) => seen.get(name) === type),
    }),
  }
}
