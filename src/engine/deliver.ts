/**
 * The delivery pass: due deliveries are taken endpoint by endpoint, signed, sent and settled in groups.
 * Order within a subscription, the circuit and the limits hold here; what becomes of a delivery is
 * decided by core/delivery.ts inside the settle.
 */
import type { Schedules } from '../core/delivery.ts'
import { isUnavailable } from '../core/endpoint.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Clock, Log, Random, Timers } from '../ports.ts'
import type { DueDelivery, Settled, Settlement } from '../store/deliveries.ts'
import type { Store } from '../store/store.ts'
import { createHeap } from './heap.ts'
import { createLane, type Lane, noteOutcome, rateAllowsAt, room, spend } from './lane.ts'
import { createSettler } from './settle.ts'

export interface DeliverSettings {
  timeoutMs: number
  concurrency: number
  endpointConcurrency: number
  schedules: Schedules
}

type DeliverStore = Pick<
  Store,
  | 'endpointState'
  | 'exhaustKeptWaiting'
  | 'nextDueAt'
  | 'settleDeliveries'
  | 'takeDueDeliveries'
  | 'takeDueTests'
  | 'waitingEndpoints'
>

export interface DeliverDeps {
  store: DeliverStore
  /** Signs and sends one delivery; never rejects. Null: it was cancelled or held before it was sent. */
  attempt(delivery: DueDelivery, at: number): Promise<Outcome | null>
  now: Clock
  random: Random
  timers: Timers
  log: Log
  settings: DeliverSettings
  onSettled(settled: readonly SettledAttempt[]): void
  wake(): void
}

export interface SettledAttempt extends Settlement, Settled {
  delivery: DueDelivery
}

interface Flight {
  delivery: DueDelivery
  lane: Lane
  probe: boolean
}

export interface Deliverer {
  start(): void
  /** Starts the attempts that are due. @returns when to pass again; null when an event will wake us */
  pass(): number | null
  /** Deliveries of these endpoints were made, moved or made due. */
  touch(endpointIds: Iterable<number>): void
  /** Settings of an endpoint changed. */
  reload(endpointId: number): void
  isInFlight(deliveryId: number): boolean
  inFlightCount(): number
  /** Resolves when no attempt is under way and all are settled. */
  idle(): Promise<void>
  /** Takes nothing more. */
  stop(): void
}

/** One look takes so many at most, then the next lane has its turn. */
const takeMax = 32
/** A lane with no room and nothing under way is looked at again after this. */
const lookAgainMs = 5
const exhaustMax = 200

export function createDeliverer(deps: DeliverDeps): Deliverer {
  const { store, settings, now } = deps
  const lanes = new Map<number, Lane>()
  const due = createHeap<number>()
  const inFlight = new Map<number, Flight>()
  const busySubscriptions = new Set<number>()
  const idleWaiters: (() => void)[] = []
  let stopped = false
  const { terminalMs: terminalScheduleMs } = settings.schedules
  const scheduleSumMs = terminalScheduleMs.reduce((sum, wait) => sum + wait, 0)
  const settler = createSettler<Flight>({
    ...deps,
    schedules: settings.schedules,
    onWritten(items, results) {
      for (const { flight } of items) land(flight)
      deps.onSettled(
        items.map(({ flight, settlement }, i) => ({
          ...settlement,
          delivery: flight.delivery,
          ...results[i]!,
        })),
      )
      deps.wake()
    },
  })

  function laneOf(endpointId: number): Lane | null {
    const found = lanes.get(endpointId)
    if (found !== undefined) return found
    const endpoint = store.endpointState(endpointId)
    if (endpoint === null) return null
    const lane = createLane(endpoint, now())
    lanes.set(endpointId, lane)
    return lane
  }

  /** @returns when to look at the lane again; null when only an event can change anything */
  function look(lane: Lane, at: number): number | null {
    const { endpoint } = lane
    if (endpoint.paused) return null
    const { health } = endpoint
    if (isUnavailable(health, at)) return lookUnavailable(lane, at)
    const places = Math.min(room(lane, slots(), at), takeMax)
    if (places <= 0) return lane.inFlight > 0 ? null : (rateAllowsAt(lane, at) ?? at + lookAgainMs)
    const limit = places + lane.inFlight
    const rows = store.takeDueDeliveries(endpoint.id, at, limit)
    const free = rows.filter(isFree).slice(0, places)
    for (const row of free) begin(lane, row, at, false)
    if (rows.length === limit) return rateAllowsAt(lane, at) ?? (free.length === 0 ? at + lookAgainMs : at)
    return store.nextDueAt(endpoint.id, at)
  }

  /** Only tests and probes go out; what has waited longer than a whole schedule is given up. */
  function lookUnavailable(lane: Lane, at: number): number | null {
    const { health, id } = lane.endpoint
    const giveUpBefore = at - scheduleSumMs
    const since = health.unavailableSince ?? at
    if (since <= giveUpBefore && lane.inFlight === 0) {
      const ended = store.exhaustKeptWaiting(id, giveUpBefore, at, exhaustMax)
      if (ended > 0) deps.log.warn('deliveries exhausted', { origin: lane.endpoint.origin, count: ended })
      if (ended === exhaustMax) return at
    }
    const giveUpAt = giveUpTime(id, since, at)
    if ((health.retryAfterUntil ?? 0) > at) return earliest(health.retryAfterUntil, giveUpAt)
    for (const row of store.takeDueTests(id, at, takeMax).filter(isFree)) begin(lane, row, at, false)
    if (lane.probing || lane.inFlight >= settings.endpointConcurrency) return giveUpAt
    if ((health.nextProbeAt ?? 0) > at) return earliest(health.nextProbeAt, giveUpAt, store.nextDueAt(id, at))
    const probe = store.takeDueDeliveries(id, at, lane.inFlight + 1).find(isFree)
    if (probe === undefined) return earliest(store.nextDueAt(id, at), giveUpAt)
    begin(lane, probe, at, true)
    return giveUpAt
  }

  function giveUpTime(endpointId: number, since: number, at: number): number | null {
    const oldest = store.takeDueDeliveries(endpointId, at, 1)[0]
    if (oldest === undefined) return null
    return Math.max(since, oldest.dueAt) + scheduleSumMs + 1
  }

  function slots() {
    const { concurrency, endpointConcurrency } = settings
    return { inFlight: inFlight.size, concurrency, endpointConcurrency }
  }

  function isFree(row: DueDelivery): boolean {
    return (
      !inFlight.has(row.id) &&
      !busySubscriptions.has(row.subscriptionId) &&
      inFlight.size < settings.concurrency
    )
  }

  function begin(lane: Lane, delivery: DueDelivery, at: number, probe: boolean): void {
    const flight: Flight = { delivery, lane, probe }
    // Two heads of one subscription can be in the same list for a moment; the second waits its turn.
    if (busySubscriptions.has(delivery.subscriptionId)) return
    inFlight.set(delivery.id, flight)
    busySubscriptions.add(delivery.subscriptionId)
    lane.inFlight++
    if (probe) lane.probing = true
    spend(lane)
    deps
      .attempt(delivery, at)
      .catch((error: unknown): Outcome => {
        deps.log.error('attempt failed before it was sent', { error })
        return { kind: 'unreachable', errorCode: 'network_error' }
      })
      .then((outcome) => end(flight, outcome, at))
  }

  function end(flight: Flight, outcome: Outcome | null, at: number): void {
    if (outcome === null) {
      land(flight)
      deps.wake()
      return
    }
    const { lane, delivery } = flight
    const ended = now()
    const durationMs = Math.max(0, ended - at)
    const chance = deps.random()
    noteOutcome(
      lane,
      { outcome, probe: flight.probe, at: ended, chance, terminalScheduleMs },
      settings,
      deps.log,
    )
    const settlement = { delivery, outcome, at, durationMs, url: delivery.callbackUrl, chance }
    settler.add({ flight, lane, settlement }, inFlight.size > takeMax)
  }

  /** The attempt is over and its slot free. */
  function land({ delivery, lane, probe }: Flight): void {
    inFlight.delete(delivery.id)
    busySubscriptions.delete(delivery.subscriptionId)
    lane.inFlight--
    if (probe) lane.probing = false
    due.set(lane.endpoint.id, now())
    if (inFlight.size > 0) return
    for (const resolve of idleWaiters.splice(0)) resolve()
  }

  return {
    start() {
      for (const { endpointId, dueAt } of store.waitingEndpoints()) due.set(endpointId, dueAt)
    },

    pass() {
      if (stopped) return null
      const at = now()
      const again: [number, number][] = []
      while (inFlight.size < settings.concurrency) {
        const endpointId = due.takeDue(at)
        if (endpointId === undefined) break
        const lane = laneOf(endpointId)
        if (lane === null) continue
        const next = look(lane, at)
        if (next !== null) again.push([endpointId, next])
        else if (lane.inFlight === 0 && !lane.dirty && !lane.endpoint.paused) lanes.delete(endpointId)
      }
      for (const [endpointId, next] of again) due.set(endpointId, next)
      const next = due.nextAt()
      // With every slot taken the next settle wakes us; a due lane must not spin until then.
      return next !== null && next <= at && inFlight.size >= settings.concurrency ? null : next
    },

    touch(endpointIds) {
      const at = now()
      for (const endpointId of endpointIds) due.set(endpointId, at)
      deps.wake()
    },

    reload(endpointId) {
      const lane = lanes.get(endpointId)
      const endpoint = store.endpointState(endpointId)
      if (lane !== undefined && endpoint !== null)
        lane.endpoint = { ...endpoint, health: lane.endpoint.health }
      due.set(endpointId, now())
      deps.wake()
    },

    isInFlight: (deliveryId) => inFlight.has(deliveryId),
    inFlightCount: () => inFlight.size,

    async idle() {
      if (inFlight.size > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
    },

    stop() {
      stopped = true
    },
  }
}

function earliest(...times: (number | null)[]): number | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}
