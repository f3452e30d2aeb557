/**
 * POLLHOOK_OWNER_QUOTA without a count per registration: a number that is never below the truth, counted
 * anew only when it stands at the quota and something has ended since.
 */

export interface Quota {
  /** For one commit: null while the owner may have one more, else its quota. */
  claims(): (ownerId: number) => number | null
  /** What the commit made of each claim. */
  settle(results: readonly { ownerId: number; created: boolean }[]): void
  /** A subscription of the owner, or of any owner, may have ended. */
  released(ownerId?: number): void
}

export function createQuota(quota: number, countActive: (ownerId: number) => number): Quota {
  const counts = new Map<number, number>()
  const stale = new Set<number>()

  /** @param mine claimed in this commit, whose rows are there to be counted already */
  function countOf(ownerId: number, mine: number): number {
    const known = counts.get(ownerId)
    if (known !== undefined && (known + mine < quota || !stale.has(ownerId))) return known
    const counted = countActive(ownerId) - mine
    counts.set(ownerId, counted)
    stale.delete(ownerId)
    return counted
  }

  return {
    claims() {
      const claimed = new Map<number, number>()
      return (ownerId) => {
        const mine = claimed.get(ownerId) ?? 0
        if (countOf(ownerId, mine) + mine >= quota) return quota
        claimed.set(ownerId, mine + 1)
        return null
      }
    },

    settle(results) {
      for (const { ownerId, created } of results) {
        if (created) counts.set(ownerId, (counts.get(ownerId) ?? 0) + 1)
      }
    },

    released(ownerId) {
      for (const known of ownerId === undefined ? counts.keys() : [ownerId]) stale.add(known)
    },
  }
}
