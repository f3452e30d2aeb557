/** A polled task in memory: what the schedule, the queues of the hosts and the reading of answers share. */
import type { Reading } from '../core/snapshot.ts'
import type { Watch } from '../store/watches.ts'
import type { Dated } from './calendar.ts'

export interface Entry extends Dated {
  token: string
  watch: Watch
  /** What the last poll read, if nothing in it was new: the same again is nothing new either. */
  seen: Reading | null
  origin: string
  /** `never` when it was not yet: always one kind of number, which V8 then overwrites in place. */
  polledAt: number
  /** It is in a call, or in a host's queue. */
  busy: boolean
  /** What upstream says of it keeps a call from being read (docs/decisions/0015-spoiled-calls.md). */
  unreadable: boolean
  /** False once nobody waits for the task any more; registered anew it is another entry. */
  wanted: boolean
}

/** In a call of its own, as it would spoil those of the others: upstream refuses it, which is on disk, or its answer cannot be read. */
export function isAskedAlone({ watch, unreadable }: Entry): boolean {
  return watch.askedAlone || unreadable
}

/** Upstream has not known the task yet, or not since it was lost. */
export function isFresh({ watch: { status } }: Entry): boolean {
  return status === null || status === 'lost'
}

export const never = Number.NEGATIVE_INFINITY

/** The wall clock was set back by so much; what is on disk was too (store/outage.ts). */
export function setEntryBack(entry: Entry, byMs: number): void {
  entry.polledAt -= byMs
  const { watch } = entry
  if (watch.failingSince !== null) watch.failingSince -= byMs
  if (watch.unknownSince !== null) watch.unknownSince -= byMs
}
