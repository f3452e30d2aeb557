/**
 * The order of a subscription's pending deliveries as `due_at` keeps it (docs/delivery.md, "The queue"): what a delivery's
 * place says of the one behind it. Reads and writes nothing.
 */
import type { DeliveryState } from './records.ts'
import { heldAt } from './schema.ts'

/** A subscription by its row, and the endpoint it sends to. */
export interface Queue {
  id: number
  endpointId: number
}

/** A delivery at the head of its subscription's queue. */
export interface QueueHead {
  id: number
  subscriptionId: number
  endpointId: number
  rank: number
}

/** When a delivery may go at the earliest, and its `due_at`: null while something before it must be over first. */
export interface QueuePlace {
  plannedAt: number
  dueAt: number | null
}

/** A pending delivery as far as its queue goes. */
export interface Waiting {
  attempts: number
  nextAttemptAt: number | null
  dueAt: number | null
}

/** Where the next event of a subscription is put. */
export interface QueueEnd {
  /** The newest regular delivery, whatever became of it. */
  newest: (Waiting & { id: number; type: string; state: DeliveryState }) | null
  /** Does one wait that goes before all regular ones: a test, or what was asked for again? */
  urgent: boolean
}

/** Nothing was ever sent to it. */
export const emptyQueue: QueueEnd = { newest: null, urgent: false }

/** May what is behind this regular delivery be due as well? Not while it is held, or waits for another try. */
export function leads(head: Waiting): head is Waiting & { dueAt: number } {
  return head.attempts === 0 && head.dueAt !== null && head.dueAt < heldAt
}

/** Never before what it follows, even if the clock went back since that was made. */
export function behind(last: Waiting, now: number): QueuePlace {
  const plannedAt = last.attempts === 0 ? Math.max(now, last.nextAttemptAt ?? now) : now
  return { plannedAt, dueAt: leads(last) ? Math.max(plannedAt, last.dueAt) : null }
}
