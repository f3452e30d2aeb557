/** Tasks of the schedule, for tests of its parts. */
import { type Entry, never } from '../../src/engine/entry.ts'
import type { Watch } from '../../src/store/watches.ts'

/** One that is due and goes on encoding, with nothing against it. */
export function entryWith(
  { token, origin }: Pick<Entry, 'token' | 'origin'>,
  more: Partial<Watch> = {},
): Entry {
  const watch: Watch = {
    token,
    statusUrl: null,
    status: 'encoding',
    percent: null,
    changedAt: 0,
    steps: [1],
    expiresAt: Number.MAX_SAFE_INTEGER,
    regressed: false,
    stalled: false,
    unknownSince: null,
    askedAlone: false,
    failingSince: null,
    awaitsState: false,
    ...more,
  }
  const schedule = { dueAt: 0, day: null, polledAt: never }
  return { token, watch, seen: null, origin, busy: true, unreadable: false, wanted: true, ...schedule }
}
