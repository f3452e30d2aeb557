/** Which due deliveries of a lane may go next, read from the store in the order of its index. Starts nothing. */
import type { DueEntry } from '../store/due.ts'
import type { Store } from '../store/store.ts'
import type { Flights } from './flights.ts'
import type { Lane } from './lane.ts'

/** Due deliveries read ahead for one lane. */
const scanMax = 256

export interface LookAhead {
  /** Tests that are due and may go, longest due first, `max` at most. */
  tests(lane: Lane, max: number, at: number): number[]
  /** Fills the lane's list, always from the front, so that it keeps the order. @returns whether more is due than was read */
  read(lane: Lane, at: number): boolean
  /** What is longest due of all that may go. */
  longestDue(lane: Lane, at: number): DueEntry | undefined
  /**
   * Has the lane looked at again once the attempts that keep these entries waiting are over. Those may be of other endpoints, from
   * which a subscription has moved here; a lane with attempts of its own is woken by these anyway.
   */
  awaitOthers(lane: Lane, entries: readonly DueEntry[]): void
}

export function createLookAhead(store: Pick<Store, 'dueEntries' | 'dueTests'>, flights: Flights): LookAhead {
  function awaitOthers({ held, endpoint }: Lane, entries: readonly DueEntry[]): void {
    if (held === 0) flights.awaitElsewhere(endpoint.id, entries)
  }

  return {
    awaitOthers,

    tests(lane, max, at) {
      // Until it is settled a test is still due: those that are under way hide no other.
      const due = store.dueTests(lane.endpoint.id, at, flights.heldCount() + max)
      awaitOthers(lane, due)
      return due
        .filter(flights.isFree)
        .slice(0, max)
        .map(({ id }) => id)
    },

    read(lane, at) {
      const limit = flights.heldCount() + lane.ready.length + scanMax
      const entries = store.dueEntries(lane.endpoint.id, at, limit)
      lane.ready = entries.filter(({ id }) => !flights.isHeld(id))
      awaitOthers(lane, entries)
      return entries.length === limit
    },

    longestDue(lane, at) {
      const entries = store.dueEntries(lane.endpoint.id, at, flights.heldCount() + scanMax)
      awaitOthers(lane, entries)
      return entries.find(flights.isFree)
    },
  }
}
