/** What the delivery pass is given and what it offers. */
import type { Schedules } from '../core/delivery.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Clock, Log, Random, Timers } from '../ports.ts'
import type { DueDelivery } from '../store/due.ts'
import type { Settled, Settlement } from '../store/settling.ts'
import type { Store } from '../store/store.ts'

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
  | 'dueDeliveries'
  | 'dueEntries'
  | 'dueTests'
  | 'supersedeStale'
  | 'waitingEndpoints'
  | 'clockWentBack'
  | 'endWaits'
  | 'endHiddenWaits'
>

export interface DeliverDeps {
  store: DeliverStore
  /** Signs and sends one delivery; rejects where it cannot be signed. Null: it was cancelled, held or changed before it was sent. */
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

export interface Deliverer {
  start(): void
  /** Starts the attempts that are due. @returns when to pass again; null when an event will wake us */
  pass(): number | null
  /** The delivery was asked for again: if an attempt of it is under way, that does not use it up (CONTRACT §4.8). */
  askAgain(deliveryId: number): void
  /** Deliveries of these endpoints were made, moved or made due. */
  touch(endpointIds: Iterable<number>): void
  /** Settings of an endpoint changed; `resumed`: it was paused and is no more. */
  reload(endpointId: number, resumed: boolean): void
  /** The wall clock was set back: what waits for a time is as far from it as it was. */
  clockWentBack(byMs: number): void
  /** When the endpoint last accepted, where memory knows of a later time than is written; else null. */
  lastSuccessAt(endpointId: number): number | null
  /** As far as memory knows: false without a lane, whatever is on disk. What is under way has one. */
  isPaused(endpointId: number): boolean
  isHeld(deliveryId: number): boolean
  heldCount(): number
  /** Resolves when no attempt is under way, all are settled, and what waited for an endpoint that recovered is due. */
  idle(): Promise<void>
  /** Takes nothing more. */
  stop(): void
  /** What is under way is about to be cut: that it ends so is no fault of its receiver and counts for nothing. */
  cutOff(): void
}
