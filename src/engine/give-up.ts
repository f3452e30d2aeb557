/** When what an unavailable endpoint keeps waiting is given up (CONTRACT §4.5). Starts nothing. */
import type { Schedules } from '../core/delivery.ts'
import type { Log } from '../ports.ts'
import type { Store } from '../store/store.ts'
import type { Lane } from './lane.ts'

/** In one commit. */
const exhaustMax = 200

export interface GiveUpDeps {
  store: Pick<Store, 'exhaustKeptWaiting' | 'nextDueAt'>
  log: Log
  schedules: Pick<Schedules, 'terminalMs'>
  /** When the relay started, or its machine last woke: an endpoint found down before then may be up by now. */
  awakeSince(): number
}

export interface GiveUp {
  /** Ends what has waited too long. @returns whether there may be more of it */
  endSome(lane: Lane, at: number): boolean
  /** When the first of what waits will have waited too long; null while nothing is to be given up. */
  nextAt(lane: Lane, at: number): number | null
}

export function createGiveUp({ store, log, schedules, awakeSince }: GiveUpDeps): GiveUp {
  /** A whole schedule: what is kept waiting has as long as what is tried. */
  const afterMs = schedules.terminalMs.reduce((sum, wait) => sum + wait, 0)

  /**
   * The relay's own downtime and sleep are nobody's fault: first somebody asks. Nor is anything given up while something is
   * under way: what lands looks again.
   */
  function isAllowed(lane: Lane): boolean {
    return lane.held === 0 && lane.triedAt >= awakeSince()
  }

  function unavailableSince({ endpoint }: Lane, at: number): number {
    return endpoint.health.unavailableSince ?? at
  }

  return {
    endSome(lane, at) {
      const { id, origin } = lane.endpoint
      const before = at - afterMs
      if (!isAllowed(lane) || unavailableSince(lane, at) > before) return false
      const count = store.exhaustKeptWaiting(id, before, at, exhaustMax)
      if (count > 0) log.warn('deliveries ended that their endpoint kept waiting', { origin, count })
      return count === exhaustMax
    },

    nextAt(lane, at) {
      if (!isAllowed(lane)) return null
      const oldestAt = store.nextDueAt(lane.endpoint.id, 0)
      return oldestAt === null ? null : Math.max(unavailableSince(lane, at), oldestAt) + afterMs + 1
    },
  }
}
