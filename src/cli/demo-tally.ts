/** Keeps the demo's score: which jobs have ended, how, and whether every webhook verified. */
import type { ReceivedWebhook } from './receiver.ts'

export interface Tally {
  add(received: ReceivedWebhook): void
  /** Resolves once every expected job has ended. */
  ended: Promise<void>
  summary(): { verified: number; refused: number; ends: ReadonlyMap<string, string>; ok: boolean }
}

const ends = new Set(['task.completed', 'task.failed', 'task.cancelled', 'task.lost', 'task.expired'])

/** @param expected the terminal type that each job, by name, has to end with */
export function createTally(expected: ReadonlyMap<string, string>): Tally {
  const seen = new Map<string, string>()
  const ended = Promise.withResolvers<void>()
  let verified = 0
  let refused = 0
  return {
    add({ verified: fits, event }) {
      if (!fits) {
        refused += 1
        return
      }
      verified += 1
      const name = event?.data.metadata.job
      if (event === null || name === undefined || !expected.has(name) || !ends.has(event.type)) return
      seen.set(name, event.type)
      if (seen.size === expected.size) ended.resolve()
    },
    ended: ended.promise,
    summary: () => ({
      verified,
      refused,
      ends: seen,
      ok: refused === 0 && [...expected].every(([name, type]) => seen.get(name) === type),
    }),
  }
}
