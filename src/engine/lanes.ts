/** The lanes of the endpoints for which something waits, read when needed and forgotten when nothing does. */
import { afterPause } from '../core/endpoint.ts'
import { putNewest } from '../core/newest.ts'
import type { Clock } from '../ports.ts'
import type { EndpointState } from '../store/endpoints.ts'
import type { Store } from '../store/store.ts'
import { createLane, isForgettable, type Lane, setLaneBack } from './lane.ts'

/** What is known of an endpoint whose lane is gone. */
interface Trace {
  leftAt: number
  window: number
  /** Later than what is written; null: it is written. */
  lastSuccessAt: number | null
}

const tracesMax = 10_000
/** Whether an endpoint still takes as much at once as it did is not known after so long. */
const windowKeptMs = 60_000

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
  const traces = new Map<number, Trace>()
  let order = 0

  function trace(endpointId: number, { endpoint, successSavedAt, window }: Lane): void {
    const { lastSuccessAt } = endpoint.health
    const isSaved = (lastSuccessAt ?? 0) <= successSavedAt
    const left = { leftAt: now(), window, lastSuccessAt: isSaved ? null : lastSuccessAt }
    putNewest(traces, endpointId, left, tracesMax)
  }

  function create(endpoint: EndpointState): Lane {
    const at = now()
    const left = traces.get(endpoint.id)
    const window = left !== undefined && at - left.leftAt < windowKeptMs ? left.window : undefined
    const lane = createLane(endpoint, freeSlots(), at, window)
    if (left?.lastSuccessAt != null) endpoint.health.lastSuccessAt = left.lastSuccessAt
    return lane
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
      const lane = create(endpoint)
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
      trace(endpointId, lane)
      lanes.delete(endpointId)
    },

    lastSuccessAt: (endpointId) =>
      lanes.get(endpointId)?.endpoint.health.lastSuccessAt ?? traces.get(endpointId)?.lastSuccessAt ?? null,

    clockWentBack(byMs) {
      const at = now()
      for (const lane of lanes.values()) setLaneBack(lane, byMs, at)
      for (const left of traces.values()) {
        left.leftAt -= byMs
        if (left.lastSuccessAt !== null) left.lastSuccessAt = Math.min(left.lastSuccessAt, at)
      }
    },
  }
}
