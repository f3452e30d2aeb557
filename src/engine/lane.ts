/**
 * A lane is what memory knows of one endpoint while something is due there: how many attempts are under
 * way, how many may be, and how fast. Knows neither deliveries' contents nor the store.
 */
import {
  afterAttempt,
  afterClockBack,
  circuitOpen,
  type EndedAttempt,
  isFailure,
  isUnavailable,
  owesWaits,
} from '../core/endpoint.ts'
import type { Log } from '../ports.ts'
import type { DueEntry } from '../store/due.ts'
import type { EndpointState } from '../store/endpoints.ts'

export interface Lane {
  endpoint: EndpointState
  inFlight: number
  /** Attempts in flight and those that ended but are not settled yet. */
  held: number
  /** Due deliveries, longest due first, read ahead; each is looked at again before it is sent. */
  ready: DueEntry[]
  /** Which order of the queues `ready` was read in: see `Lanes.readAnew`. */
  order: number
  /** The one attempt an open circuit allows is under way. */
  probing: boolean
  /** Attempts this lane may have in flight: grows with each answer that is no failure, shrinks with each failure. */
  window: number
  /** The window that the lane began with. */
  windowAtFirst: number
  /** Attempts that were in flight together since then. */
  mostInFlight: number
  /** Allowance of `max_per_second`, in deliveries. */
  allowance: number
  allowanceAt: number
  /** `last_success_at` as it was last written. */
  successSavedAt: number
  /** The health differs from what is written. */
  dirty: boolean
  /** When the newest attempt began of those that ended since the lane was made. */
  triedAt: number
  /** The delivery whose success ended an outage: its settle begins to make due all that waits. */
  recoveredBy: number | null
}

/**
 * Timers fire late: up to 20 ms' worth of unused rate may be caught up on. The rate itself is lowered by as much (2 %), so
 * that no second has more attempts than `max_per_second`.
 */
const lateSeconds = 0.02

/** A lane starts narrow, so that an endpoint that hangs holds few slots until it is known to. */
export const windowAtStart = 8

/**
 * @param freeSlots attempts that may begin besides those in flight, at any endpoint: the lane begins with an eighth of them at most
 * @param window what its endpoint took not long ago
 */
export function createLane(
  endpoint: EndpointState,
  freeSlots: number,
  now: number,
  window = windowAtStart,
): Lane {
  const windowAtFirst = Math.max(1, Math.min(window, freeSlots >> 3))
  return {
    endpoint,
    inFlight: 0,
    held: 0,
    ready: [],
    order: 0,
    probing: false,
    window: windowAtFirst,
    windowAtFirst,
    mostInFlight: 0,
    allowance: 1,
    allowanceAt: now,
    successSavedAt: endpoint.health.lastSuccessAt ?? 0,
    dirty: false,
    triedAt: Number.NEGATIVE_INFINITY,
    recoveredBy: null,
  }
}

export function setLaneBack(lane: Lane, byMs: number, now: number): void {
  lane.endpoint.health = afterClockBack(lane.endpoint.health, byMs, now)
  lane.allowanceAt = Math.min(lane.allowanceAt, now)
  lane.successSavedAt = Math.min(lane.successSavedAt, now)
  lane.triedAt -= byMs
  // What is due is another matter now.
  lane.ready = []
}

/**
 * Takes the first `places` of the list, one of each subscription and none of those that are busy: they stay where they are.
 * @returns ids in due order
 */
export function takeReady(lane: Lane, busy: ReadonlySet<number>, places: number): number[] {
  const taken = new Map<number, number>()
  lane.ready = lane.ready.filter(({ id, subscriptionId }) => {
    if (taken.size >= places || busy.has(subscriptionId) || taken.has(subscriptionId)) return true
    taken.set(subscriptionId, id)
    return false
  })
  return [...taken.values()]
}

export interface Slots {
  /** Attempts in flight in total, and how many there may be. */
  inFlight: number
  concurrency: number
  endpointConcurrency: number
}

/**
 * How many attempts the lane may start now. A lane never takes more than a share of the slots that are
 * free, so that however many endpoints hang there is room for the next one; alone it reaches its limit.
 */
export function room(lane: Lane, slots: Slots, now: number): number {
  const free = slots.concurrency - slots.inFlight
  const limit = limitOf(lane, slots)
  const others = slots.concurrency - slots.endpointConcurrency
  const share = others <= 0 ? limit : Math.ceil((free * slots.endpointConcurrency) / others)
  const wanted = Math.min(free, Math.min(limit, lane.window, share) - lane.inFlight)
  if (wanted <= 0) return 0
  return lane.endpoint.maxPerSecond === null ? wanted : Math.min(wanted, Math.floor(refill(lane, now)))
}

function limitOf({ endpoint }: Lane, { endpointConcurrency }: { endpointConcurrency: number }): number {
  return Math.min(endpoint.maxConcurrency ?? endpointConcurrency, endpointConcurrency)
}

/** May one more start while the circuit is open, when only tests and a probe do? */
export function hasPlace(lane: Lane, settings: { endpointConcurrency: number }, now: number): boolean {
  return lane.inFlight < limitOf(lane, settings) && rateAllowsAt(lane, now) === null
}

function refill(lane: Lane, now: number): number {
  const late = (lane.endpoint.maxPerSecond ?? 0) * lateSeconds
  const gained = Math.max(0, now - lane.allowanceAt) * gainPerMs(lane)
  lane.allowance = Math.min(1 + late, lane.allowance + gained)
  lane.allowanceAt = now
  return lane.allowance + 1e-6
}

function gainPerMs({ endpoint }: Lane): number {
  return ((endpoint.maxPerSecond ?? 0) * (1 - lateSeconds)) / 1000
}

export function spend(lane: Lane, now: number): void {
  if (lane.endpoint.maxPerSecond === null) return
  // A probe or a test did not ask for room: what was gained until now must not be gained again.
  refill(lane, now)
  lane.allowance -= 1
}

/** When the rate allows one more; null when the rate is not what holds the lane. */
export function rateAllowsAt(lane: Lane, now: number): number | null {
  if (lane.endpoint.maxPerSecond === null || refill(lane, now) >= 1) return null
  return now + Math.ceil((1 - lane.allowance) / gainPerMs(lane))
}

/** `last_success_at` is written this often at most while nothing else changes. */
const successSaveMs = 60_000

/** Takes one attempt that ended into the lane's health and window, and marks what must be written. */
export function noteOutcome(
  lane: Lane,
  deliveryId: number,
  attempt: EndedAttempt,
  settings: { endpointConcurrency: number },
  log: Log,
): void {
  const { health, origin } = lane.endpoint
  const next = afterAttempt(health, attempt)
  const wasOpen = circuitOpen(health)
  if (attempt.outcome.kind === 'accepted' && (wasOpen || owesWaits(health))) lane.recoveredBy = deliveryId
  if (circuitOpen(next) !== wasOpen) {
    log.warn('endpoint changed', { origin, state: wasOpen ? 'healthy' : 'failing', failures: next.failures })
  }
  lane.endpoint.health = next
  if (isFailure(attempt.outcome)) lane.window = Math.max(1, lane.window >> 1)
  else lane.window = Math.min(settings.endpointConcurrency, lane.window + 1)
  const keys = Object.keys(next) as (keyof typeof next)[]
  const same = keys.every((key) => key === 'lastSuccessAt' || next[key] === health[key])
  if (!same || (next.lastSuccessAt ?? 0) - lane.successSavedAt >= successSaveMs) lane.dirty = true
}

/**
 * A new lane would be as good: it begins with an allowance of its own, and with what is known for a minute of what the endpoint takes.
 * @param next when something may start there; null: nothing waits
 */
export function isForgettable(lane: Lane, next: number | null, now: number): boolean {
  const { held, dirty, endpoint } = lane
  if (held > 0 || dirty || endpoint.paused || rateAllowsAt(lane, now) !== null) return false
  // When it was tried since is to be known for what is given up.
  return next === null || !isUnavailable(endpoint.health, now)
}
