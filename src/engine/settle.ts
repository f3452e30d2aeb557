/**
 * Attempts that ended are settled in groups: at once when idle, and after a commit what ends within 20 ms
 * together (DESIGN §3.5). A full disk keeps them in memory until there is room again.
 */
import type { Schedules } from '../core/delivery.ts'
import type { Clock, Log, Timers } from '../ports.ts'
import type { Settled, Settlement } from '../store/settling.ts'
import type { Store } from '../store/store.ts'
import type { Lane } from './lane.ts'
import { writeTogether } from './write-together.ts'

const settleMax = 500
/** A commit costs a flush of the disk, about a millisecond of CPU: so many of them a second are enough. */
const restMs = 20
const settleRetryMs = 1000

/** An attempt that ended and is not settled yet. */
export interface Unsettled<Flight> {
  flight: Flight
  lane: Lane
  settlement: Settlement
}

export interface SettlerDeps<Flight> {
  store: Pick<Store, 'settleDeliveries'>
  schedules: Schedules
  now: Clock
  timers: Timers
  log: Log
  isAskedAgain(deliveryId: number): boolean
  /** After the commit. */
  onWritten(items: readonly Unsettled<Flight>[], results: readonly Settled[]): void
  /** After that: some of what waited for the endpoint is due, and the rest is to be, but for what failed since. */
  onRecovered(endpointId: number, failedSince: readonly number[]): void
}

export interface Settler<Flight> {
  add(item: Unsettled<Flight>): void
}

export function createSettler<Flight>(deps: SettlerDeps<Flight>): Settler<Flight> {
  let unsettled: Unsettled<Flight>[] = []
  let cancelTimer: (() => void) | null = null
  let resting = false

  function plan(delayMs: number): void {
    cancelTimer?.()
    cancelTimer = deps.timers.after(delayMs, settle)
  }

  function settle(): void {
    cancelTimer = null
    resting = false
    if (unsettled.length === 0) return
    const batch = unsettled.slice(0, settleMax)
    const refused = writeTogether(batch, tryWrite)
    unsettled = [...refused.map(({ item }) => item), ...unsettled.slice(batch.length)]
    const last = refused.at(-1)
    if (last !== undefined) {
      const { error } = last
      deps.log.error('attempts could not be settled; trying again', { error, attempts: refused.length })
    }
    resting = unsettled.length === 0
    plan(resting ? restMs : refused.length < batch.length ? 0 : settleRetryMs)
  }

  function tryWrite(batch: readonly Unsettled<Flight>[]): unknown {
    const lanes = [...new Set(batch.map(({ lane }) => lane))]
    const dirty = lanes.filter((lane) => lane.dirty)
    const recovered = lanes.flatMap((lane) => recoveryIn(batch, lane) ?? [])
    const health = dirty.map(({ endpoint }) => ({ id: endpoint.id, health: endpoint.health }))
    let results: Settled[]
    try {
      const items = batch.map(({ settlement }) =>
        deps.isAskedAgain(settlement.delivery.id) ? { ...settlement, askedAgain: true } : settlement,
      )
      results = deps.store.settleDeliveries(items, { health, recovered }, deps.schedules, deps.now())
    } catch (error) {
      return error
    }
    for (const lane of dirty) {
      lane.dirty = false
      lane.successSavedAt = lane.endpoint.health.lastSuccessAt ?? 0
    }
    for (const { lane } of recovered) {
      noteRecovery(lane)
      lane.recoveredBy = null
    }
    try {
      deps.onWritten(batch, results)
    } finally {
      for (const { id, failedSince } of recovered) deps.onRecovered(id, failedSince)
    }
    return null
  }

  /** What failed before and could not be written yet. */
  function noteRecovery(lane: Lane): void {
    const by = unsettled.findIndex(({ settlement }) => settlement.delivery.id === lane.recoveredBy)
    for (const item of unsettled.slice(0, Math.max(0, by)))
      if (item.lane === lane) item.settlement = { ...item.settlement, recoveredSince: true }
  }

  return {
    add(item) {
      unsettled.push(item)
      if (cancelTimer === null || (resting && unsettled.length >= settleMax)) plan(0)
    },
  }
}

/** What ended an outage of the endpoint is in the batch: what failed after it waits by its schedule. */
function recoveryIn(batch: readonly Unsettled<unknown>[], lane: Lane) {
  if (lane.recoveredBy === null) return null
  const own = batch.filter((item) => item.lane === lane).map(({ settlement }) => settlement.delivery.id)
  const by = own.indexOf(lane.recoveredBy)
  return by < 0 ? null : { lane, id: lane.endpoint.id, failedSince: own.slice(by + 1) }
}
