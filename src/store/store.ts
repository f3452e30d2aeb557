/** The store: every verb over one database, composed once. Each verb that writes is one transaction. */
import { sql } from 'drizzle-orm'
import { rank } from '../core/delivery.ts'
import type { StoreContext } from './context.ts'
import { deliveryVerbs } from './deliveries.ts'
import { deliveryViewVerbs } from './delivery-view.ts'
import { dueVerbs } from './due.ts'
import { endpointVerbs } from './endpoints.ts'
import { outboxVerbs } from './outbox.ts'
import { ownerVerbs } from './owners.ts'
import { pollVerbs } from './polls.ts'
import { recipientVerbs } from './recipients.ts'
import { redeliveryVerbs } from './redeliveries.ts'
import { retentionVerbs } from './retention.ts'
import { subscriptionChangeVerbs } from './subscription-changes.ts'
import { subscriptionViewVerbs } from './subscription-view.ts'
import { subscriptionVerbs } from './subscriptions.ts'
import { taskViewVerbs } from './task-view.ts'
import { taskVerbs } from './tasks.ts'
import { inTransaction } from './transaction.ts'
import { watchVerbs } from './watches.ts'

export type Store = ReturnType<typeof createStore>

/** The database is migrated already. */
export function createStore(context: StoreContext) {
  const tasks = taskVerbs(context)
  const outbox = outboxVerbs(context)
  const recipients = recipientVerbs(context)
  const endpoints = endpointVerbs(context)
  const owners = ownerVerbs(context)
  const views = subscriptionViewVerbs(context, { tasks, outbox })
  const deliveryViews = deliveryViewVerbs(context)
  const world = { tasks, outbox, recipients, endpoints, owners, views }
  const subscriptions = subscriptionVerbs(context, world)
  const cancel = subscriptions.cancelSubscriptionRow
  const deliveries = deliveryVerbs(context, { outbox, endpoints, recipients, cancel })

  return {
    ...watchVerbs(context),
    ...pollVerbs(context, { tasks, outbox, recipients }),
    ...taskViewVerbs(context, { tasks, views }),
    ...owners,
    ...redeliveryVerbs(context, { tasks, outbox, endpoints, views, deliveryViews }),
    ...retentionVerbs(context, { tasks }),
    subscribe: subscriptions.subscribe,
    cancelSubscription: subscriptions.cancelSubscription,
    ...subscriptionChangeVerbs(context, world),
    subscription: views.subscription,
    listSubscriptions: views.listSubscriptions,
    countActive: views.countActive,
    delivery: deliveryViews.delivery,
    listDeliveries: deliveryViews.listDeliveries,
    endpoint: endpoints.endpoint,
    endpointState: endpoints.endpointState,
    endpointRowId: endpoints.endpointRowId,
    listEndpoints: endpoints.listEndpoints,
    updateEndpoint: endpoints.updateEndpoint,
    clockWentBack: endpoints.clockWentBack,
    ...dueVerbs(context),
    settleDeliveries: deliveries.settleDeliveries,

    /** The longest-due delivery, for the backlog in seconds. */
    oldestDueAt(now: number): number | null {
      const row = context.db.all<{ at: number | null }>(sql`select min(due_at) as at from deliveries
        where due_at is not null and due_at <= ${now}`)[0]
      return row?.at ?? null
    },

    /** After a crash: progress that was being sent when a newer event came is not sent again. */
    supersedeStale(now: number): void {
      inTransaction(context.db, () => {
        for (const stale of deliveryViews.staleProgress()) {
          outbox.finishDelivery(stale.id, 'superseded', 'newer_event', now)
          outbox.promoteNext({ ...stale, id: stale.subscriptionId }, stale.id)
        }
        return null
      })
    },

    /**
     * Ends what an unavailable endpoint has kept waiting since before `before` (CONTRACT §4.5), at most
     * `limit` of it; what was once accepted ends delivered all the same.
     */
    exhaustKeptWaiting(endpointId: number, before: number, now: number, limit: number): number {
      return inTransaction(context.db, () => {
        const waiting = deliveryViews.keptWaiting(endpointId, before, limit)
        for (const { id, subscriptionId, acceptedAt, rank: order } of waiting) {
          if (acceptedAt === null) outbox.finishDelivery(id, 'exhausted', 'endpoint_unavailable', now)
          else outbox.finishDelivery(id, 'delivered', null, now)
          outbox.promoteNext({ id: subscriptionId, endpointId }, order === rank.regular ? id : 0)
        }
        return waiting.length
      })
    },
  }
}
