/**
 * POLLHOOK_OWNER_QUOTA without a count per registration: an owner's subscriptions are counted once, and the
 * number is kept by what each commit says of them. Counting 100,000 takes half a second.
 */
import type { Claims } from '../store/records.ts'

export interface Quota {
  /** For one commit of registrations; `committed` is called once it is on disk. */
  claim(): Claims & { committed(): void }
  /** After a commit: the owner of each subscription that ended by it, once for each. */
  released(ownerIds: Iterable<number>): void
}

/** @param countOpen subscriptions of an owner that are active or paused */
export function createQuota(quota: number, countOpen: (ownerId: number) => number): Quota {
  const counts = new Map<number, number>()

  function countOf(ownerId: number): number {
    const count = counts.get(ownerId) ?? countOpen(ownerId)
    counts.set(ownerId, count)
    return count
  }

  function add(ownerId: number, change: number): void {
    const known = counts.get(ownerId)
    // Whoever was not counted yet is counted with this.
    if (known !== undefined) counts.set(ownerId, known + change)
  }

  return {
    claim() {
      const made = new Map<number, number>()
      return {
        // Asked before anything is made, so that what this commit makes is in no count.
        exceeded: (ownerId) => (countOf(ownerId) + (made.get(ownerId) ?? 0) >= quota ? quota : null),
        made: (ownerId) => made.set(ownerId, (made.get(ownerId) ?? 0) + 1),
        committed() {
          for (const [ownerId, count] of made) add(ownerId, count)
        },
      }
    },

    released(ownerIds) {
      for (const ownerId of ownerIds) add(ownerId, -1)
    },
  }
}
