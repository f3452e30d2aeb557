/** The lanes of the endpoints for which something waits, read when needed and forgotten when nothing does. */
import { afterPause } from '../core/endpoint.ts'
import { putNewest } from '../core/newest.ts'
import type { Clock } from '../ports.ts'
import type { Store } from '../store/store.ts'
import { createLane, isForgettable, type Lane, setLaneBack } from './lane.ts'

/** Of so many endpoints whose lane is gone the last success is known to the millisecond. */
const successesMax = 10_000

export interface Lanes {
  /** Null: there is no such endpoint any more. */
  of(endpointId: number): Lane | null
  /** Only if it is in memory. */
  known(endpointId: number): Lane | undefined
  /**
   * A delivery that was taken waits again, while what follows it may stand in a list already, also in that of the endpoint
   * to which both have moved: what was read ahead is read anew, in the order of the queues.
   */
  readAnew(): void
  /** Its settings changed; `resumed`: it was paused and is no more. */
  reload(endpointId: number, resumed: boolean): void
  /** Nothing waits for it at present. */
  leave(endpointId: number): void
  /** Later than what is written, which is not at every success; null when memory knows of none. */
  lastSuccessAt(endpointId: number): number | null
  clockWentBack(byMs: number): void
}

/** @param freeSlots attempts that may begin besides those in flight, at any endpoint */
export function createLanes(store: Pick<Store, 'endpointState'>, freeSlots: () => number, now: Clock): Lanes {
  const lanes = new Map<number, Lane>()
  const successes = new Map<number, number>()
  let order = 0

  function keepSuccess(endpointId: number, { endpoint, successSavedAt }: Lane): void {
    const at = endpoint.health.lastSuccessAt ?? 0
    if (at > successSavedAt) putNewest(successes, endpointId, at, successesMax)
    else successes.delete(endpointId)
  }

  function inOrder(lane: Lane): Lane {
    if (lane.order !== order) lane.ready = []
    lane.order = order
    return lane
  }

  return {
    of(endpointId) {
      const found = lanes.get(endpointId)
      if (found !== undefined) return inOrder(found)
      const endpoint = store.endpointState(endpointId)
      if (endpoint === null) return null
      const lane = createLane(endpoint, freeSlots(), now())
      const lastSuccessAt = successes.get(endpointId)
      if (lastSuccessAt !== undefined) endpoint.health.lastSuccessAt = lastSuccessAt
      lanes.set(endpointId, lane)
      return inOrder(lane)
    },

    known: (endpointId) => lanes.get(endpointId),
    readAnew: () => void order++,

    reload(endpointId, resumed) {
      const lane = lanes.get(endpointId)
      const endpoint = store.endpointState(endpointId)
      if (lane === undefined || endpoint === null) return
      // What is written of its health may be older than what memory knows.
      const { health } = lane.endpoint
      lane.endpoint = { ...endpoint, health: resumed ? afterPause(health, now()) : health }
    },

    leave(endpointId) {
      const lane = lanes.get(endpointId)
      if (lane === undefined || !isForgettable(lane)) return
      keepSuccess(endpointId, lane)
      lanes.delete(endpointId)
    },

    lastSuccessAt: (endpointId) =>
      lanes.get(endpointId)?.endpoint.health.lastSuccessAt ?? successes.get(endpointId) ?? null,

    clockWentBack(byMs) {
      const at = now()
      for (const lane of lanes.values()) setLaneBack(lane, byMs, at)
      for (const [endpointId, success] of successes) successes.set(endpointId, Math.min(success, at))
    },
  }
}
