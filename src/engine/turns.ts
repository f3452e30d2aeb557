/**
 * When each endpoint is to be looked at, and whose turn it is: of the owners for whom something is due, that of the
 * one with the fewest attempts under way. Else one with a thousand endpoints that hang would take every place that
 * comes free, and the deliveries of the others would wait for it. Knows neither limits nor deliveries.
 */
import { putNewest } from '../core/newest.ts'
import type { Store } from '../store/store.ts'
import type { Flights } from './flights.ts'
import { createHeap, type Heap } from './heap.ts'

/** Of so many endpoints the owner is remembered; of the others it is read again. */
const ownersMax = 10_000
/** For an endpoint that cannot be read, or is gone: it has its turn all the same, and whoever looks at it sees that. */
const nobody = 0
/** So many owners are compared for a turn: those that have waited for one longest. */
const comparedMax = 16

export interface Turns {
  /** @param ownerId where it is known: to read those of very many takes a while */
  set(endpointId: number, at: number, ownerId?: number): void
  /** The endpoint whose turn it is, if any is due. */
  takeDue(now: number): number | undefined
  /** When the next turn is; 0 if one may be due already. */
  nextAt(): number | null
}

export function createTurns(
  store: Pick<Store, 'endpointState'>,
  flights: Pick<Flights, 'inFlightOf'>,
): Turns {
  const owners = new Map<number, number>()
  /** Endpoints whose owner is still to be read, and when they are to be looked at. */
  const unread = new Map<number, number>()
  const endpoints = new Map<number, Heap<number>>()
  /** Owners by their earliest endpoint, but for those in `line`. */
  const later = createHeap<number>()
  /** Owners for whom something is due, in the order in which they came. */
  const line = new Set<number>()

  function put(ownerId: number, endpointId: number, at: number): void {
    let own = endpoints.get(ownerId)
    if (own === undefined) {
      own = createHeap()
      endpoints.set(ownerId, own)
    }
    own.set(endpointId, at)
    if (!line.has(ownerId)) later.set(ownerId, own.nextAt() ?? at)
  }

  function readOwners(): void {
    for (const [endpointId, at] of unread) put(readOwner(endpointId), endpointId, at)
    unread.clear()
  }

  function readOwner(endpointId: number): number {
    try {
      const endpoint = store.endpointState(endpointId)
      if (endpoint === null) return nobody
      putNewest(owners, endpointId, endpoint.ownerId, ownersMax)
      return endpoint.ownerId
    } catch {
      return nobody
    }
  }

  function nextOwner(): number | undefined {
    let best: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    let compared = 0
    for (const ownerId of line) {
      const inFlight = flights.inFlightOf(ownerId)
      if (inFlight < fewest) [best, fewest] = [ownerId, inFlight]
      if (++compared === comparedMax) break
    }
    return best
  }

  /** The owner has had its turn. @returns the endpoint that it falls to; undefined when what was due was put off */
  function turnOf(ownerId: number, now: number): number | undefined {
    const own = endpoints.get(ownerId)
    const endpointId = own?.takeDue(now)
    const nextAt = own?.nextAt() ?? null
    line.delete(ownerId)
    if (nextAt === null) endpoints.delete(ownerId)
    else if (nextAt <= now) line.add(ownerId)
    else later.set(ownerId, nextAt)
    return endpointId
  }

  return {
    set(endpointId, at, ownerId = owners.get(endpointId)) {
      unread.delete(endpointId)
      if (ownerId === undefined) unread.set(endpointId, at)
      else put(ownerId, endpointId, at)
    },

    takeDue(now) {
      if (unread.size > 0) readOwners()
      for (let id = later.takeDue(now); id !== undefined; id = later.takeDue(now)) line.add(id)
      for (let id = nextOwner(); id !== undefined; id = nextOwner()) {
        const endpointId = turnOf(id, now)
        if (endpointId !== undefined) return endpointId
      }
      return undefined
    },

    nextAt() {
      if (line.size > 0 || unread.size > 0) return 0
      return later.nextAt()
    },
  }
}
