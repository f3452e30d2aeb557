/** What the delivery pass has under way, kept in memory only (DESIGN §3.6). Knows neither endpoints' limits nor outcomes. */
import { ownerOfRow } from '../core/ids.ts'
import { createTally } from '../core/tally.ts'
import type { DueEntry } from '../store/due.ts'

export interface Flights {
  /** Taken and not settled yet: neither taken again nor superseded. */
  isHeld(deliveryId: number): boolean
  heldCount(): number
  /** Attempts whose answer is still to come: what the concurrency limits count. */
  inFlight(): number
  inFlightOf(ownerId: number): number
  /** Its subscription has no other attempt under way, and it is not under way itself. */
  isFree(entry: DueEntry): boolean
  /** Subscriptions with an attempt under way. */
  busy: ReadonlySet<number>
  take(entry: DueEntry): void
  /** Its attempt has its answer and waits to be settled. */
  answered(entry: DueEntry): void
  /** Settled: the next of its subscription may go. @returns where the queue of the subscription was seen to have moved */
  land(entry: DueEntry): number | null
  /** Asked for again, perhaps while it is under way. */
  askAgain(deliveryId: number): void
  isAskedAgain(deliveryId: number): boolean
  /** These wait at an endpoint; what is under way elsewhere for their subscriptions has it looked at when it lands. */
  awaitElsewhere(endpointId: number, entries: readonly DueEntry[]): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

export function createFlights(): Flights {
  const held = new Set<number>()
  const busy = new Set<number>()
  const movedTo = new Map<number, number>()
  const askedAgain = new Set<number>()
  let inFlight = 0
  const byOwner = createTally<number>()
  const idleWaiters: (() => void)[] = []

  return {
    isHeld: (deliveryId) => held.has(deliveryId),
    heldCount: () => held.size,
    inFlight: () => inFlight,
    inFlightOf: byOwner.count,
    isFree: ({ id, subscriptionId }) => !held.has(id) && !busy.has(subscriptionId),
    busy,
    take({ id, subscriptionId }) {
      held.add(id)
      busy.add(subscriptionId)
      inFlight++
      byOwner.add(ownerOfRow(id))
    },
    answered({ id }) {
      inFlight--
      byOwner.remove(ownerOfRow(id))
    },
    land({ id, subscriptionId }) {
      held.delete(id)
      askedAgain.delete(id)
      busy.delete(subscriptionId)
      const endpointId = movedTo.get(subscriptionId) ?? null
      movedTo.delete(subscriptionId)
      if (held.size === 0) for (const resolve of idleWaiters.splice(0)) resolve()
      return endpointId
    },
    askAgain(deliveryId) {
      if (held.has(deliveryId)) askedAgain.add(deliveryId)
    },
    isAskedAgain: (deliveryId) => askedAgain.has(deliveryId),
    awaitElsewhere(endpointId, entries) {
      for (const { subscriptionId } of entries) {
        if (busy.has(subscriptionId)) movedTo.set(subscriptionId, endpointId)
      }
    },
    async idle() {
      if (held.size > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
    },
  }
}
