/**
 * The delivery pass: which endpoints have something due, how much of it may go now, and what each outcome sets free. Lanes
 * keep the limits and flights what is under way; how one is sent (attempt.ts) and settled (settle.ts) is not known here.
 */
import { isUnavailable } from '../core/endpoint.ts'
import type { Outcome } from '../core/outcome.ts'
import type { DueDelivery } from '../store/due.ts'
import type { Settled } from '../store/settling.ts'
import type { DeliverDeps, Deliverer } from './deliver-ports.ts'
import { earliest } from './earliest.ts'
import { createFlights } from './flights.ts'
import { createGiveUp } from './give-up.ts'
import { hasPlace, type Lane, noteOutcome, rateAllowsAt, room, spend, takeReady } from './lane.ts'
import { createLanes } from './lanes.ts'
import { createLookAhead } from './look-ahead.ts'
import { createSettler, type Unsettled } from './settle.ts'
import { createSleepWatch } from './sleep-watch.ts'
import { createTurns } from './turns.ts'
import { createWaits } from './waits.ts'

interface Flight {
  delivery: DueDelivery
  lane: Lane
  probe: boolean
}

/** One turn takes so many at most, then the next lane has its own. */
const takeMax = 32
/** One pass looks at so many endpoints at most: those that are failing take no slot, and very many may be. */
const looksMax = 500
/** A lane with no room and nothing under way has its next turn after this. */
const againMs = 5
const againAfterErrorMs = 1_000
/** With so many of them behind attempts that are under way, no more are read: one of those ends soon. */
const readyMax = 1024
/** Outcomes that may wait for their commit beside what is in flight. */
const unsettledMax = 1000

export function createDeliverer(deps: DeliverDeps): Deliverer {
  const { store, settings, now } = deps
  const flights = createFlights()
  const lanes = createLanes(store, () => settings.concurrency - flights.inFlight(), now)
  const due = createTurns(store, flights)
  const ahead = createLookAhead(store, flights)
  const sleep = createSleepWatch(now, settings.timeoutMs)
  let ending: 'no' | 'stopped' | 'cut off' = 'no'
  const giveUp = createGiveUp({ ...deps, ...settings, awakeSince: sleep.awakeSince })
  const waits = createWaits({ ...deps, onEnded: (endpointId) => touch([endpointId]) })
  const common = { ...deps, ...settings, isAskedAgain: flights.isAskedAgain }
  const settler = createSettler<Flight>({ ...common, onWritten, onRecovered: waits.end })

  function onWritten(items: readonly Unsettled<Flight>[], results: readonly Settled[]): void {
    for (const [i, { flight }] of items.entries()) {
      land(flight)
      if (results[i]!.state === 'pending') waits.failedSince(flight.lane.endpoint.id, flight.delivery.id)
    }
    deps.onSettled(
      items.map(({ flight: { delivery }, settlement }, i) => ({ ...settlement, delivery, ...results[i]! })),
    )
    deps.wake()
  }

  /** A full disk at one endpoint neither loses its place among the lanes nor keeps the others from their turn. */
  function serveOrRetry(endpointId: number, at: number): number | null {
    try {
      const lane = lanes.of(endpointId)
      if (lane === null) return null
      const next = serve(lane, at)
      if (next === null || next > at) lanes.rest(endpointId, next, at)
      return next
    } catch (error) {
      const lane = lanes.known(endpointId)
      const origin = lane?.endpoint.origin
      deps.log.error('an endpoint could not be looked at; trying again', { error, origin })
      // What was taken from the list and not started is read again, in its order.
      if (lane !== undefined) lane.ready = []
      return at + againAfterErrorMs
    }
  }

  /** The lane's turn. @returns when the next one is; null when only an event can change anything */
  function serve(lane: Lane, at: number): number | null {
    const { endpoint } = lane
    if (endpoint.paused) return null
    const { health } = endpoint
    if (isUnavailable(health, at)) {
      if (giveUp.endSome(lane, at)) return at
      const giveUpAt = giveUp.nextAt(lane, at)
      return earliest(giveUpAt, startTestsAndProbe(lane, at))
    }
    const places = Math.min(room(lane, { ...settings, inFlight: flights.inFlight() }, at), takeMax)
    if (places <= 0) return rateAllowsAt(lane, at) ?? (lane.held > 0 ? null : at + againMs)
    // A rate may hold what waits for hours: a test does not go behind it.
    const tests = ahead.tests(lane, places, at)
    const begun = tests.length > 0 ? start(lane, tests, at) : 0
    const more = startReady(lane, places - begun, at)
    return more ? (rateAllowsAt(lane, at) ?? at) : store.nextDueAt(endpoint.id, at)
  }

  /** Starts what the lane's list has ready, and reads on where that is not enough. @returns whether more may be ready */
  function startReady(lane: Lane, places: number, at: number): boolean {
    let moreIsDue = true
    let started = 0
    while (started < places && !isFull()) {
      const ids = takeReady(lane, flights.busy, places - started)
      if (ids.length > 0) {
        const begun = start(lane, ids, at)
        started += begun
        if (begun === ids.length) continue
        // Something left the queue or stands elsewhere in it since: what follows it must not go first.
        lane.ready = []
        return true
      }
      // What is left in the list waits for attempts that are under way.
      if (!moreIsDue || lane.ready.length >= readyMax) {
        ahead.awaitOthers(lane, lane.ready)
        return false
      }
      moreIsDue = ahead.read(lane, at)
    }
    return true
  }

  /**
   * What waited in the list may have been cancelled, held or moved since: it is read as it is now.
   * @returns how many attempts began
   */
  function start(lane: Lane, ids: readonly number[], at: number, { probe } = { probe: false }): number {
    if (isFull()) return 0
    let started = 0
    for (const delivery of store.dueDeliveries(ids, at)) {
      // A probe or a test is not taken from the list, which leaves out those whose subscription is busy.
      if (!flights.isFree(delivery)) continue
      // Its subscription has moved to another endpoint, which may be paused.
      if (delivery.endpointId !== lane.endpoint.id) continue
      begin({ delivery, lane, probe }, at)
      started++
    }
    return started
  }

  /** While the disk is full what has ended cannot be settled: that must not grow without bound either. */
  function isFull(): boolean {
    const { concurrency } = settings
    return flights.inFlight() >= concurrency || flights.heldCount() >= concurrency + unsettledMax
  }

  /** All that goes to an unavailable endpoint. @returns when to try again; null when only an event can change anything */
  function startTestsAndProbe(lane: Lane, at: number): number | null {
    const { health, id } = lane.endpoint
    // It asked for nothing before then, and gets not even a test.
    if ((health.retryAfterUntil ?? 0) > at) return health.retryAfterUntil
    for (const test of ahead.tests(lane, takeMax, at))
      if (hasPlace(lane, settings, at)) start(lane, [test], at)
    // What is due next may be a test, which does not wait for the next probe.
    const nextDueAt = store.nextDueAt(id, at)
    if (lane.probing || !hasPlace(lane, settings, at)) return earliest(rateAllowsAt(lane, at), nextDueAt)
    if ((health.nextProbeAt ?? 0) > at) return earliest(health.nextProbeAt, nextDueAt)
    const longest = ahead.longestDue(lane, at)
    const probed = longest !== undefined && start(lane, [longest.id], at, { probe: true }) > 0
    return probed ? null : nextDueAt
  }

  function begin(flight: Flight, at: number): void {
    const { delivery, lane, probe } = flight
    flights.take(delivery)
    lane.inFlight++
    lane.mostInFlight = Math.max(lane.mostInFlight, lane.inFlight)
    lane.held++
    if (probe) lane.probing = true
    spend(lane, at)
    void deps
      .attempt(delivery, at)
      .catch((error: unknown): Outcome => {
        deps.log.error('attempt failed before it was sent', { error })
        return { kind: 'unreachable', errorCode: 'network_error' }
      })
      .then((outcome) => end(flight, outcome, at))
  }

  function end(flight: Flight, outcome: Outcome | null, at: number): void {
    const { lane, delivery } = flight
    if (outcome === null || (ending === 'cut off' && outcome.kind === 'unreachable')) {
      // That was no attempt: what follows it waits behind it again.
      lanes.readAnew()
      freeSlot(flight)
      land(flight)
      if (outcome === null) supersedeWithheld(delivery)
      deps.wake()
      return
    }
    const ended = now()
    const durationMs = Math.max(0, ended - at)
    const chance = deps.random()
    lane.triedAt = Math.max(lane.triedAt, Math.min(at, ended))
    const { terminalMs: terminalScheduleMs } = settings.schedules
    const attempt = { outcome, probe: flight.probe, at: ended, chance, terminalScheduleMs }
    noteOutcome(lane, delivery.id, attempt, settings, deps.log)
    const settlement = { delivery, outcome, at, durationMs, url: delivery.callbackUrl, chance }
    // The slot is free at once; the subscription waits until the outcome is on disk.
    freeSlot(flight)
    settler.add({ flight, lane, settlement })
    deps.wake()
  }

  /** While it was under way nothing superseded it. */
  function supersedeWithheld({ id, type }: DueDelivery): void {
    try {
      if (type === 'task.progress') store.supersedeStale(now(), id)
    } catch (error) {
      deps.log.error('stale progress could not be superseded; it is sent', { error })
    }
  }

  function freeSlot({ delivery, lane, probe }: Flight): void {
    flights.answered(delivery)
    lane.inFlight--
    if (probe) lane.probing = false
    due.set(lane.endpoint.id, now())
  }

  /** Settled: the next of its subscription may go. */
  function land({ delivery, lane }: Flight): void {
    lane.held--
    due.set(lane.endpoint.id, now())
    const movedTo = flights.land(delivery)
    if (movedTo !== null) due.set(movedTo, now())
  }

  function touch(endpointIds: Iterable<number>): void {
    for (const endpointId of endpointIds) due.set(endpointId, now())
    deps.wake()
  }

  return {
    start() {
      for (const { endpointId, ownerId, dueAt } of store.waitingEndpoints())
        due.set(endpointId, dueAt, ownerId)
    },

    pass() {
      if (ending !== 'no') return null
      const at = now()
      sleep.woke(at)
      const again: [number, number][] = []
      for (let looks = 0; looks < looksMax && !isFull(); looks++) {
        const endpointId = due.takeDue(at)
        if (endpointId === undefined) break
        const next = serveOrRetry(endpointId, at)
        if (next !== null) again.push([endpointId, next])
      }
      for (const [endpointId, next] of again) due.set(endpointId, next)
      const nextAt = due.nextAt()
      // With every slot taken the next outcome or settle wakes us; a due lane must not spin until then.
      const next = nextAt !== null && nextAt <= at && isFull() ? null : nextAt
      sleep.planned(next, flights.inFlight() > 0)
      return next
    },

    reload(endpointId, resumed) {
      lanes.reload(endpointId, resumed)
      if (resumed) waits.end(endpointId, [])
      touch([endpointId])
    },

    clockWentBack(byMs) {
      const waiting = store.waitingEndpoints()
      // What throws after this commit would have all of it told again.
      store.clockWentBack(byMs, now())
      lanes.clockWentBack(byMs)
      sleep.clockWentBack(byMs)
      for (const { endpointId, ownerId } of waiting) due.set(endpointId, now(), ownerId)
    },

    touch,
    askAgain: flights.askAgain,
    lastSuccessAt: lanes.lastSuccessAt,
    isPaused: (endpointId) => lanes.known(endpointId)?.endpoint.paused ?? false,
    isHeld: flights.isHeld,
    heldCount: flights.heldCount,
    async idle() {
      await flights.idle()
      // What was settled last may be a success.
      await waits.idle()
    },
    stop() {
      if (ending === 'no') ending = 'stopped'
    },
    cutOff() {
      ending = 'cut off'
    },
  }
}
