/**
 * Deliveries that wait for another try, and how that ends before its time: their endpoint recovered, or its pause is over
 * (CONTRACT §4.5). Or, where the clock was set back, how it is no longer than it was. Knows no endpoint's health.
 */
import { and, eq, gt, type SQLWrapper, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { isUrgent, key, listed, value } from './literals.ts'
import { deliveries, heldAt } from './schema.ts'
import { inTransaction } from './transaction.ts'

/** So many deliveries wait no longer after one commit: some 4 ms, where a hundred thousand took seconds. */
export const endWaitsMax = 500
/** Queues whose hidden waits end in one commit. */
export const hiddenQueuesMax = 200

export type WaitVerbs = ReturnType<typeof waitVerbs>

export function waitVerbs({ db }: StoreContext) {
  const { endFirst, urgentQueues, endHidden } = waitStatements(db)

  return {
    /**
     * What waits for another try becomes due, but for what a paused subscription holds and for `except`: `max` of it in a
     * commit, so call again until there is none. The rest of a backlog is due already and not written.
     * @returns how many deliveries wait no longer
     */
    endWaits(
      endpointId: number,
      now: number,
      { except = [], max = endWaitsMax }: { except?: readonly number[]; max?: number } = {},
    ): number {
      return endFirst.all({ endpointId, now, except: JSON.stringify(except), max }).length
    },

    /**
     * The waits that no index of what is due shows: a delivery that a test or a redelivery displaced as head has no `due_at`, but
     * keeps its planned time. Goes through some of the queues that have such a test or redelivery, those after subscription `of.after`.
     * @returns the last subscription gone through; null when none is left
     */
    endHiddenWaits(
      endpointId: number,
      now: number,
      of: { except: readonly number[]; after: number },
    ): number | null {
      return inTransaction(db, () => {
        const queues = urgentQueues.all({ endpointId, after: of.after }).map(({ id }) => id)
        if (queues.length > 0)
          endHidden.run({ queues: JSON.stringify(queues), now, except: JSON.stringify(of.except) })
        return queues.length < hiddenQueuesMax ? null : queues.at(-1)!
      })
    },

    /**
     * The wall clock was set back by so much, to `now`: what waits for a time waits no longer than it did. Nothing is put before
     * `now`: what is due already may be of the same queue, and comes first.
     */
    setWaitsBack(byMs: number, now: number): void {
      const back = (column: SQLWrapper) =>
        sql`case when ${column} > ${now} and ${column} < ${heldAt} then max(${now}, ${column} - ${byMs}) else ${column} end`
      db.update(deliveries)
        .set({ dueAt: back(deliveries.dueAt), nextAttemptAt: back(deliveries.nextAttemptAt) })
        .where(sql`${deliveries.state} = 'pending' and ${deliveries.subscriptionId} in (
          select ${deliveries.subscriptionId} from ${deliveries} where ${deliveries.dueAt} > ${now}
          union all select ${deliveries.subscriptionId} from ${deliveries} where ${isUrgent}
          union all select queue.id from (select subscription_id as id, max(id) as last from ${deliveries}
              where due_at is not null group by +subscription_id) queue
            where exists (select 1 from ${deliveries} d where d.subscription_id = queue.id and d.id > queue.last
              and d.state = 'pending' and d.due_at is null))`)
        .run()
    },
  }
}

function waitStatements(db: StoreContext['db']) {
  // In the order of the index: of a queue nothing goes before what it follows, wherever a commit ends.
  const endFirst = db
    .update(deliveries)
    .set({ dueAt: value('now'), nextAttemptAt: value('now') })
    .where(sql`${deliveries.id} in (select id from ${deliveries}
      where endpoint_id = ${key('endpointId')} and due_at > ${key('now')} and due_at < ${sql.raw(String(heldAt))}
      and id not in ${listed('except')} order by due_at, id limit ${key('max')})`)
    .returning({ id: deliveries.id })
    .prepare()
  const urgentQueues = db
    .selectDistinct({ id: deliveries.subscriptionId })
    .from(deliveries)
    .where(
      and(
        eq(deliveries.endpointId, key('endpointId')),
        gt(deliveries.subscriptionId, key('after')),
        isUrgent,
      ),
    )
    .orderBy(sql`${deliveries.subscriptionId} limit ${sql.raw(String(hiddenQueuesMax))}`)
    .prepare()
  const endHidden = db
    .update(deliveries)
    .set({ nextAttemptAt: value('now') })
    .where(sql`${deliveries.subscriptionId} in ${listed('queues')}
      and ${deliveries.state} = 'pending' and ${deliveries.dueAt} is null and ${deliveries.nextAttemptAt} > ${key('now')}
      and ${deliveries.id} not in ${listed('except')}`)
    .prepare()
  return { endFirst, urgentQueues, endHidden }
}
