/**
 * What waits at an endpoint: how much, and since when. Counted from the index of what is due, and only what a queue holds back
 * from it by its rows (docs/decisions/0022-counting-what-waits.md). Knows neither health nor settings.
 */
import { eq, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { isUrgent, key } from './literals.ts'
import { lookMax } from './look.ts'
import { deliveries } from './schema.ts'

export interface Backlog {
  /** Pending deliveries. */
  backlog: number
  /** When the oldest of them was made. */
  oldestWaitingAt: number | null
}

/** A count of more than `lookMax` holds for so long: a page that asks every two seconds does not stop the relay each time. */
export const backlogKeptMs = 5_000

export function backlogVerbs({ db }: Pick<StoreContext, 'db'>) {
  const { inIndex, heldBack, madeAt } = backlogStatements(db)
  const kept = new Map<number, { at: number; found: Backlog }>()

  return {
    /** Exact, but that the count of a long backlog may be `backlogKeptMs` old. */
    backlogOf(endpointId: number, now: number): Backlog {
      const before = kept.get(endpointId)
      if (before !== undefined && Math.abs(now - before.at) < backlogKeptMs) return before.found
      kept.delete(endpointId)
      const due = inIndex.get({ endpointId })
      // Of every queue at least the head is in the index.
      if (due === undefined || due.first === null) return { backlog: 0, oldestWaitingAt: null }
      const others = heldBack.get({ endpointId }) ?? { count: 0, first: null }
      const oldest = madeAt.get({ id: Math.min(due.first, others.first ?? due.first) })
      const found = { backlog: due.count + others.count, oldestWaitingAt: oldest?.at ?? null }
      if (found.backlog > lookMax) kept.set(endpointId, { at: now, found })
      return found
    },
  }
}

function backlogStatements(db: StoreContext['db']) {
  // `first` is the oldest: ids are given in the order of the making.
  const inIndex = db
    .select({ count: sql<number>`count(*)`, first: sql<number | null>`min(${deliveries.id})` })
    .from(deliveries)
    .where(ofEndpoint)
    .prepare()
  /*
   * What has no `due_at` (docs/delivery.md, "The queue"). Behind a head that was tried or is held it is newer than all of
   * its queue that has one; only what goes before all regular ones may have older ones behind it.
   */
  const heldBack = db
    .select({ count: sql<number>`count(*)`, first: sql<number | null>`min(d.id)` })
    .from(sql`(select subscription_id as id, max(id) as last from ${deliveries} where ${ofEndpoint} group by subscription_id)
      queue cross join ${deliveries} d on d.subscription_id = queue.id and d.id > iif(queue.id in (${urgent}), 0, queue.last)`)
    .where(sql`d.state = 'pending' and d.due_at is null`)
    .prepare()
  const madeAt = db
    .select({ at: deliveries.createdAt })
    .from(deliveries)
    .where(eq(deliveries.id, key('id')))
    .prepare()
  return { inIndex, heldBack, madeAt }
}

const ofEndpoint = sql`endpoint_id = ${key('endpointId')} and due_at is not null`
const urgent = sql`select subscription_id from ${deliveries}
  where endpoint_id = ${key('endpointId')} and ${isUrgent}`
