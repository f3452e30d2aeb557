/** Pending deliveries that end without an attempt of their own: what a crash left behind, what its endpoint kept waiting. */
import { and, eq, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import type { OutboxVerbs } from './outbox.ts'
import type { QueueHead } from './queue.ts'
import { deliveries } from './schema.ts'
import { inTransaction } from './transaction.ts'

export function endingVerbs({ db }: StoreContext, { outbox }: { outbox: OutboxVerbs }) {
  const stale = sql`d.type = 'task.progress' and d.rank = 2 and d.state = 'pending'
    and exists (select 1 from ${deliveries} n where n.subscription_id = d.subscription_id and n.id > d.id
      and n.rank > 0)`
  const columns = sql`d.id, d.subscription_id as subscriptionId, d.endpoint_id as endpointId, d.rank`

  /**
   * Pending progress that a newer event of its subscription should have superseded. Only what was being sent when that event came is
   * left so, and it is found in one of two places. First, as the head of its queue. Second, where a test or a redelivery took that
   * place meanwhile: then it is the first of its queue behind the last that ended. `cross` keeps SQLite from going through all
   * deliveries for the second.
   */
  function staleProgress() {
    return db.all<QueueHead>(sql`
      select ${columns} from ${deliveries} d where d.due_at is not null and ${stale}
      union all
      select ${columns}
      from (select distinct +subscription_id as id from ${deliveries}
        where state = 'pending' and rank < 2 and +due_at is not null) queue
      cross join ${deliveries} d on d.subscription_id = queue.id and d.id > coalesce(
        (select ended.id from ${deliveries} ended where ended.subscription_id = queue.id and ended.rank = 2
          and ended.state in ('delivered', 'exhausted') order by ended.id desc limit 1), 0)
      where d.due_at is null and ${stale}`)
  }

  /** Longest first. */
  function dueSince(endpointId: number, before: number, limit: number) {
    return db
      .select({
        id: deliveries.id,
        subscriptionId: deliveries.subscriptionId,
        endpointId: deliveries.endpointId,
        rank: deliveries.rank,
        acceptedAt: deliveries.acceptedAt,
      })
      .from(deliveries)
      .where(and(eq(deliveries.endpointId, endpointId), sql`${deliveries.dueAt} <= ${before}`))
      .orderBy(deliveries.dueAt)
      .limit(limit)
      .all()
  }

  return {
    /**
     * Progress that was being sent when a newer event came, and was not, is not sent again: of all after a crash, or one
     * that was withheld.
     */
    supersedeStale(now: number, withheldId?: number): void {
      inTransaction(db, () => {
        const found =
          withheldId === undefined
            ? staleProgress()
            : db.all<QueueHead>(
                sql`select ${columns} from ${deliveries} d where d.id = ${withheldId} and ${stale}`,
              )
        for (const one of found) {
          outbox.finishDelivery(one.id, 'superseded', 'newer_event', now)
          outbox.promoteNext(one)
        }
        return null
      })
    },

    /**
     * Ends what an unavailable endpoint has kept waiting since before `before` (CONTRACT §4.5), at most
     * `limit` of it; what was once accepted ends delivered all the same.
     */
    exhaustKeptWaiting(endpointId: number, before: number, now: number, limit: number): number {
      return inTransaction(db, () => {
        const waiting = dueSince(endpointId, before, limit)
        for (const one of waiting) {
          if (one.acceptedAt === null) outbox.finishDelivery(one.id, 'exhausted', 'endpoint_unavailable', now)
          else outbox.finishDelivery(one.id, 'delivered', null, now)
          outbox.promoteNext(one)
        }
        return waiting.length
      })
    },
  }
}
