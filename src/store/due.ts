/** What is due, and when the next is. Nothing here writes: what is in flight is known in memory only (DESIGN §3.6). */
import { and, eq, gt, isNotNull, lte, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { isPending, isTest, key, listed } from './literals.ts'
import { deliveries, endpoints, heldAt, subscriptions } from './schema.ts'

/** Its place in the queue of an endpoint. */
export interface DueEntry {
  id: number
  subscriptionId: number
}

/** Everything one attempt needs. */
export interface DueDelivery extends DueEntry {
  endpointId: number
  nonce: string
  taskToken: string
  type: string
  webhookId: string
  attempts: number
  dueAt: number
  createdAt: number
  body: string
  callbackUrl: string
  sealedSecret: string | null
}

/** In the order of `DueRow`: read as it comes, because Drizzle's mapping to objects costs as much as the reading. */
const dueColumns = {
  id: deliveries.id,
  subscriptionId: deliveries.subscriptionId,
  endpointId: deliveries.endpointId,
  nonce: subscriptions.nonce,
  taskToken: subscriptions.taskToken,
  type: deliveries.type,
  webhookId: deliveries.webhookId,
  attempts: deliveries.attempts,
  dueAt: sql`${deliveries.dueAt}`.as('due'),
  createdAt: deliveries.createdAt,
  body: deliveries.body,
  callbackUrl: subscriptions.callbackUrl,
  sealedSecret: subscriptions.sealedSecret,
}

type DueRow = [
  id: number,
  subscriptionId: number,
  endpointId: number,
  nonce: string,
  taskToken: string,
  type: string,
  webhookId: string,
  attempts: number,
  dueAt: number,
  createdAt: number,
  body: string,
  callbackUrl: string,
  sealedSecret: string | null,
]

function toDelivery(row: DueRow): DueDelivery {
  const [id, subscriptionId, endpointId, nonce, taskToken, ...rest] = row
  const [type, webhookId, attempts, dueAt, createdAt, body, callbackUrl, sealedSecret] = rest
  return {
    id,
    subscriptionId,
    endpointId,
    nonce,
    taskToken,
    type,
    webhookId,
    attempts,
    dueAt,
    createdAt,
    body,
    callbackUrl,
    sealedSecret,
  }
}

export function dueVerbs({ db }: StoreContext) {
  const { due, dueTests, byIds, nextDue } = dueStatements(db)

  return {
    /** What is due at an endpoint, longest due first, each queue in its order. Taking work writes nothing. */
    dueEntries(endpointId: number, now: number, limit: number): DueEntry[] {
      return due.all({ endpointId, now, limit })
    },

    /** Tests go out before what waits, even while the circuit is open (CONTRACT §3). */
    dueTests(endpointId: number, now: number, limit: number): DueEntry[] {
      return dueTests.all({ endpointId, now, limit })
    },

    /**
     * Deliveries as they are now, in the order of `ids`. What is not due is left out: cancelled, superseded, held, or
     * another is the head. One statement for all that a look takes, because each call costs more than its row.
     */
    dueDeliveries(ids: readonly number[], now: number): DueDelivery[] {
      const rows = byIds.values({ ids: JSON.stringify(ids) }) as DueRow[]
      const due = new Map(rows.map((row) => [row[0], toDelivery(row)]))
      return ids.flatMap((id) => due.get(id) ?? []).filter(({ dueAt }) => dueAt <= now)
    },

    /** When the next delivery of the endpoint becomes due after `now`; null when none does: what a pause holds never is. */
    nextDueAt(endpointId: number, now: number): number | null {
      return nextDue.get({ endpointId, now })?.at ?? null
    },

    /** Since when the longest-due delivery of all is due, for the backlog in seconds: what a pause holds is not late. */
    oldestDueAt(now: number): number | null {
      const at = db.all<{ at: number | null }>(sql`${firstOfEach} select min(dueAt) as at from firsts
        join ${endpoints} e on e.id = endpointId where e.paused = 0`)[0]?.at
      return at != null && at <= now ? at : null
    },

    /** Endpoints with deliveries that are due or will be, and when the first of each is: the start of the engine's lanes. */
    waitingEndpoints(): { endpointId: number; ownerId: number; dueAt: number }[] {
      return db.all(sql`${firstOfEach} select endpointId, owner_id as ownerId, dueAt from firsts
        join ${endpoints} e on e.id = endpointId where dueAt < ${heldAt}`)
    },
  }
}

/**
 * Of each endpoint with entries in the index of what is due, when the first is due. From one endpoint to the next: two
 * look-ups each, where a `min` over the index reads it from end to end, a million entries during an outage.
 */
const firstOfEach = sql`with recursive lanes(endpointId) as (
    select min(endpoint_id) from ${deliveries} where due_at is not null
    union all
    select (select min(endpoint_id) from ${deliveries} where due_at is not null and endpoint_id > endpointId)
      from lanes where endpointId is not null
  ),
  firsts(endpointId, dueAt) as (
    select endpointId, (select min(due_at) from ${deliveries} where due_at is not null and endpoint_id = endpointId)
      from lanes where endpointId is not null
  )`

/** A time that never comes is none to plan for. */
const isNotHeld = sql`${deliveries.dueAt} < ${sql.raw(String(heldAt))}`

function dueStatements(db: StoreContext['db']) {
  const due = db
    .select({ id: deliveries.id, subscriptionId: deliveries.subscriptionId })
    .from(deliveries)
    .where(and(eq(deliveries.endpointId, key('endpointId')), lte(deliveries.dueAt, key('now'))))
    .orderBy(sql`${deliveries.dueAt}, ${deliveries.id} limit ${key('limit')}`)
    .prepare()
  // Named, or SQLite reads all that is due instead of the index of tests.
  const dueTests = db
    .select({ id: sql<number>`id`, subscriptionId: sql<number>`subscription_id` })
    .from(sql`${deliveries} indexed by deliveries_tests`)
    .where(
      sql`endpoint_id = ${key('endpointId')} and ${isPending} and ${isTest} and ${deliveries.dueAt} <= ${key('now')}`,
    )
    .orderBy(sql`due_at, id limit ${key('limit')}`)
    .prepare()
  const byIds = db
    .select(dueColumns)
    .from(deliveries)
    .innerJoin(subscriptions, eq(subscriptions.id, deliveries.subscriptionId))
    .where(and(sql`${deliveries.id} in ${listed('ids')}`, isPending, isNotNull(deliveries.dueAt)))
    .prepare()
  const nextDue = db
    .select({ at: sql<number | null>`min(${deliveries.dueAt})` })
    .from(deliveries)
    .where(and(eq(deliveries.endpointId, key('endpointId')), gt(deliveries.dueAt, key('now')), isNotHeld))
    .prepare()
  return { due, dueTests, byIds, nextDue }
}
