/** The store: every verb over one database, composed once. Each verb that writes is one transaction. */
import type { StoreContext } from './context.ts'
import { deliveryViewVerbs } from './delivery-view.ts'
import { dueVerbs } from './due.ts'
import { endingVerbs } from './endings.ts'
import { endpointVerbs } from './endpoints.ts'
import { setOutagesBack } from './outage.ts'
import { outboxVerbs } from './outbox.ts'
import { ownerVerbs } from './owners.ts'
import { pollVerbs } from './polls.ts'
import { recipientVerbs } from './recipients.ts'
import { redeliveryVerbs } from './redeliveries.ts'
import { retentionVerbs } from './retention.ts'
import { settlingVerbs } from './settling.ts'
import { subscriptionChangeVerbs } from './subscription-changes.ts'
import { subscriptionViewVerbs } from './subscription-view.ts'
import { subscriptionVerbs } from './subscriptions.ts'
import { taskViewVerbs } from './task-view.ts'
import { taskVerbs } from './tasks.ts'
import { inTransaction } from './transaction.ts'
import { waitVerbs } from './waits.ts'
import { watchVerbs } from './watches.ts'

export type Store = ReturnType<typeof createStore>

/** The database is migrated already. */
export function createStore(context: StoreContext) {
  const tasks = taskVerbs(context)
  const outbox = outboxVerbs(context)
  const recipients = recipientVerbs(context)
  const waits = waitVerbs(context)
  const endpoints = endpointVerbs(context, { waits })
  const owners = ownerVerbs(context)
  const views = subscriptionViewVerbs(context, { tasks, outbox })
  const deliveryViews = deliveryViewVerbs(context)
  const verbs = { tasks, outbox, recipients, endpoints, owners, views }
  const subscriptions = subscriptionVerbs(context, verbs)

  return {
    ...watchVerbs(context),
    ...pollVerbs(context, { tasks, outbox, recipients }),
    ...taskViewVerbs(context, { tasks, views }),
    ...owners,
    ...redeliveryVerbs(context, { tasks, outbox, endpoints, views, deliveryViews }),
    ...retentionVerbs(context, { tasks, outbox }),
    subscribe: subscriptions.subscribe,
    cancelSubscription: subscriptions.cancelSubscription,
    ...subscriptionChangeVerbs(context, verbs),
    subscription: views.subscription,
    listSubscriptions: views.listSubscriptions,
    countOpen: views.countOpen,
    delivery: deliveryViews.delivery,
    listDeliveries: deliveryViews.listDeliveries,
    endpoint: endpoints.endpoint,
    endpointState: endpoints.endpointState,
    listEndpoints: endpoints.listEndpoints,
    updateEndpoint: endpoints.updateEndpoint,
    /** The wall clock was set back by so much, to `now`. */
    clockWentBack(byMs: number, now: number): void {
      inTransaction(context.db, () => {
        waits.setWaitsBack(byMs, now)
        endpoints.setHealthBack(byMs, now)
        setOutagesBack(context.db, byMs)
        return null
      })
    },
    endWaits: waits.endWaits,
    endHiddenWaits: waits.endHiddenWaits,
    ...dueVerbs(context),
    ...settlingVerbs(context, { outbox, endpoints, waits, subscriptions }),
    ...endingVerbs(context, { outbox }),
  }
}
