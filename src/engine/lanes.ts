/** The lanes of the endpoints at which something is due, read when needed and forgotten when nothing is. */
import { afterPause } from '../core/endpoint.ts'
import { putNewest } from '../core/newest.ts'
import type { Clock } from '../ports.ts'
import type { EndpointState } from '../store/endpoints.ts'
import type { Store } from '../store/store.ts'
import { createLane, isForgettable, type Lane, setLaneBack, windowAtStart } from './lane.ts'

/** What is known of an endpoint whose lane is gone. */
interface Trace {
  /** As many attempts as it took at once; perhaps fewer than a lane starts with where it failed. */
  window: number
  /** When that was seen. */
  seenAt: number
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
  /** Nothing more may start there before `next`; null: before an event. */
  rest(endpointId: number, next: number | null, at: number): void
  /** Later than what is written, which is not at every success; null when memory knows of none. */
  lastSuccessAt(endpointId: number): number | null
  clockWentBack(byMs: number): void
}

/** @param freeSlots attempts that may begin besides those in flight, at any endpoint */
export function createLanes(store: Pick<Store, 'endpointState'>, freeSlots: () => number, now: Clock): Lanes {
  const lanes = new Map<number, Lane>()
  const traces = new Map<number, Trace>()
  let order = 0

  function recentTrace(endpointId: number, at: number): Trace | undefined {
    const trace = traces.get(endpointId)
    return trace !== undefined && at - trace.seenAt < windowKeptMs ? trace : undefined
  }

  function keepTrace(endpointId: number, lane: Lane): void {
    const at = now()
    const { health } = lane.endpoint
    const lastSuccessAt = (health.lastSuccessAt ?? 0) > lane.successSavedAt ? health.lastSuccessAt : null
    const trace = learnt(lane, at) ?? recentTrace(endpointId, at) ?? { window: windowAtStart, seenAt: at }
    if (trace.window === windowAtStart && lastSuccessAt === null) traces.delete(endpointId)
    else putNewest(traces, endpointId, { ...trace, lastSuccessAt }, tracesMax)
  }

  /** @returns null when the trace that is there says more: few attempts since do not show how many the endpoint takes */
  function learnt({ endpoint, window, windowAtFirst, mostInFlight }: Lane, at: number) {
    const fails = window < windowAtFirst || endpoint.health.failures > 0
    if (fails && window < windowAtStart) return { window, seenAt: at }
    // It took as many as it began with before. One that failed starts from there, and from no less because few were needed this time.
    const most = fails ? Math.max(mostInFlight, windowAtFirst) : mostInFlight
    const took = Math.max(windowAtStart, Math.min(most, window))
    const known = recentTrace(endpoint.id, at)?.window ?? 0
    return fails || took >= known ? { window: took, seenAt: at } : null
  }

  function create(endpoint: EndpointState): Lane {
    const at = now()
    const lane = createLane(endpoint, freeSlots(), at, recentTrace(endpoint.id, at)?.window)
    const lastSuccessAt = traces.get(endpoint.id)?.lastSuccessAt ?? null
    if (lastSuccessAt !== null) endpoint.health.lastSuccessAt = lastSuccessAt
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

    rest(endpointId, next, at) {
      const lane = lanes.get(endpointId)
      if (lane === undefined || !isForgettable(lane, next, at)) return
      keepTrace(endpointId, lane)
      lanes.delete(endpointId)
    },

    lastSuccessAt: (endpointId) =>
      lanes.get(endpointId)?.endpoint.health.lastSuccessAt ?? traces.get(endpointId)?.lastSuccessAt ?? null,

    clockWentBack(byMs) {
      const at = now()
      for (const lane of lanes.values()) setLaneBack(lane, byMs, at)
      for (const trace of traces.values()) {
        trace.seenAt -= byMs
        if (trace.lastSuccessAt !== null) trace.lastSuccessAt = Math.min(trace.lastSuccessAt, at)
      }
    },
  }
}
