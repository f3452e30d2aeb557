/** Sending on request: one delivery again, many by filter, and the test event. */
import { and, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { DeliveryResult, RedeliverFilter } from '../commands.ts'
import { rank } from '../core/delivery.ts'
import { ownerFloor } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import type { DeliveryViewVerbs } from './delivery-view.ts'
import type { EndpointVerbs } from './endpoints.ts'
import { isExhausted, key, listed, value } from './literals.ts'
import { lookMax } from './look.ts'
import type { OutboxVerbs, Queued } from './outbox.ts'
import type { Queue } from './queue.ts'
import { deliveries, subscriptions } from './schema.ts'
import type { SubscriptionViewVerbs } from './subscription-view.ts'
import type { TaskVerbs } from './tasks.ts'
import { inTransaction } from './transaction.ts'

/** So many at most are made pending in one commit, of `lookMax` at most: a large filter never holds up a pass. */
export const redeliverBatchMax = 300

export interface Requeued {
  result: DeliveryResult
  /** What waits now, and where; null where the answer is that nothing does. */
  queued: Queued | null
}

export interface RequeuedBatch {
  count: number
  endpointIds: number[]
  /** Give it back to go on; null when the filter is done. */
  after: number | null
}

export function redeliveryVerbs(
  { db }: StoreContext,
  verbs: {
    tasks: TaskVerbs
    outbox: OutboxVerbs
    endpoints: EndpointVerbs
    views: SubscriptionViewVerbs
    deliveryViews: DeliveryViewVerbs
  },
) {
  const { tasks, outbox, endpoints, views, deliveryViews } = verbs
  const { subscriptionOf, sendAgain } = redeliveryStatements(db)

  /**
   * A pending one becomes due now; any other becomes pending with a fresh schedule (CONTRACT §4.8).
   * @param queues of their subscriptions, which each is put in order once, however much of it is sent again
   */
  function requeue(ids: readonly number[], queues: Iterable<Queue>, now: number): void {
    sendAgain.run({ ids: JSON.stringify(ids), now })
    for (const queue of queues) outbox.refreshHead(queue)
  }

  function redeliverOne(ownerId: number, id: string, now: number): Requeued {
    const row = deliveryViews.deliveryRow(ownerId, id)
    if (row === null) return { result: { kind: 'not_found' }, queued: null }
    const to = subscriptionOf.get({ id: row.subscriptionId })
    if (to === undefined) throw new Error('a delivery has no subscription')
    if (row.state === 'cancelled') return conflict('the delivery is cancelled')
    if (to.endState === 'cancelled') return conflict('its subscription is cancelled')
    requeue([row.id], [to], now)
    const delivery = deliveryViews.deliveryRecordOf(row.id)
    return { result: { kind: 'queued', delivery }, queued: { deliveryId: row.id, endpointId: to.endpointId } }
  }

  /** The first exhausted delivery behind `after`, whatever the filter. */
  function firstExhausted(ownerId: number, after: number): number | null {
    const row = db.all<{ id: number | null }>(sql`select min(id) as id from ${deliveries}
      where state = 'exhausted' and id > ${Math.max(after, ownerFloor(ownerId))} and id < ${ownerFloor(ownerId + 1)}`)[0]
    return row?.id ?? null
  }

  function conditions(ownerId: number, filter: RedeliverFilter, from: number): SQL[] | null {
    const all: SQL[] = [
      isExhausted,
      gte(deliveries.id, from),
      lt(deliveries.id, Math.min(from + lookMax, ownerFloor(ownerId + 1))),
      sql`${subscriptions.endState} is not 'cancelled'`,
      // Progress that has a newer event says nothing any more.
      sql`(${deliveries.type} <> 'task.progress' or not exists (select 1 from ${deliveries} later
        where later.subscription_id = ${deliveries.subscriptionId} and later.id > ${deliveries.id}
        and later.rank > ${rank.test}))`,
    ]
    if (filter.since !== undefined) all.push(gte(deliveries.createdAt, filter.since))
    if (filter.until !== undefined) all.push(sql`${deliveries.createdAt} <= ${filter.until}`)
    if (filter.subscriptionId !== undefined) {
      // The whole id counts: a row number is used again in other shards and by later databases.
      const subscription = views.subscriptionRow(ownerId, filter.subscriptionId)
      if (subscription === null) return null
      all.push(eq(deliveries.subscriptionId, subscription.id))
    }
    if (filter.endpointId !== undefined) {
      const endpointId = endpoints.endpointRowId(ownerId, filter.endpointId)
      if (endpointId === null) return null
      all.push(eq(deliveries.endpointId, endpointId))
    }
    return all
  }

  return {
    redeliver(ownerId: number, id: string, now: number): Requeued {
      return inTransaction(db, () => redeliverOne(ownerId, id, now))
    },

    /** One batch of a filter; call again with `after` until it is null. */
    redeliverBatch(ownerId: number, filter: RedeliverFilter, after: number, now: number): RequeuedBatch {
      return inTransaction(db, () => {
        const from = firstExhausted(ownerId, after)
        const where = from === null ? null : conditions(ownerId, filter, from)
        if (from === null || where === null) return { count: 0, endpointIds: [], after: null }
        const rows = db
          .select({
            id: deliveries.id,
            queue: { id: subscriptions.id, endpointId: subscriptions.endpointId },
          })
          .from(deliveries)
          .innerJoin(subscriptions, eq(subscriptions.id, deliveries.subscriptionId))
          .where(and(...where))
          .orderBy(deliveries.id)
          .limit(redeliverBatchMax)
          .all()
        const ids = rows.map(({ id }) => id)
        const queues = filter.dryRun ? [] : [...new Map(rows.map(({ queue }) => [queue.id, queue])).values()]
        if (!filter.dryRun) requeue(ids, queues, now)
        const isFull = rows.length === redeliverBatchMax
        const seenTo = isFull ? ids.at(-1)! : from + lookMax - 1
        const more = firstExhausted(ownerId, seenTo) !== null
        const endpointIds = [...new Set(queues.map(({ endpointId }) => endpointId))]
        return { count: rows.length, endpointIds, after: more ? seenTo : null }
      })
    },

    sendTest(ownerId: number, id: string, now: number): Requeued {
      return inTransaction(db, () => {
        const row = views.subscriptionRow(ownerId, id)
        if (row === null) return { result: { kind: 'not_found' as const }, queued: null }
        if (row.endState === 'cancelled') return conflict('the subscription is cancelled')
        const snapshot = tasks.snapshot(row.taskToken)
        const state = { status: snapshot?.status ?? null, percent: snapshot?.percent ?? null }
        const deliveryId = outbox.enqueueTest(row, state, now)
        const delivery = deliveryViews.deliveryRecordOf(deliveryId)
        const queued = { deliveryId, endpointId: row.endpointId }
        return { result: { kind: 'queued' as const, delivery }, queued }
      })
    },
  }
}

function conflict(detail: string): Requeued {
  return { result: { kind: 'conflict', detail }, queued: null }
}

function redeliveryStatements(db: StoreContext['db']) {
  const subscriptionOf = db
    .select({
      id: subscriptions.id,
      endpointId: subscriptions.endpointId,
      endState: subscriptions.endState,
    })
    .from(subscriptions)
    .where(eq(subscriptions.id, key('id')))
    .prepare()
  const { state, attempts, scheduleFrom } = deliveries
  const sendAgain = db
    .update(deliveries)
    .set({
      state: sql`'pending'`,
      stateReason: sql`null`,
      finishedAt: sql`null`,
      scheduleFrom: sql`case ${state} when 'pending' then ${scheduleFrom} else ${attempts} end`,
      // A test stays a test: it goes out first, and while the circuit is open.
      rank: sql`min(${deliveries.rank}, ${sql.raw(String(rank.redelivery))})`,
      endpointId: sql`(select endpoint_id from ${subscriptions} where id = ${deliveries.subscriptionId})`,
      nextAttemptAt: value('now'),
    })
    .where(sql`${deliveries.id} in ${listed('ids')}`)
    .prepare()
  return { subscriptionOf, sendAgain }
}
