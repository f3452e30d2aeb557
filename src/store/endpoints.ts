/**
 * Endpoints: the origin of callback URLs of one owner, with its health and settings. A row is written when
 * health or settings change, not at each success (DESIGN §4).
 */
import { and, desc, eq, gt, lt, or, type SQLWrapper, sql } from 'drizzle-orm'
import { afterClockBack, afterPause, circuitOpen, type EndpointHealth } from '../core/endpoint.ts'
import { backlogVerbs } from './backlog.ts'
import type { StoreContext } from './context.ts'
import { key, listed, value } from './literals.ts'
import { pagesOf } from './page.ts'
import type { EndpointPatch, EndpointRecord, Page, PageQuery } from './records.ts'
import { deliveries, endpoints, heldAt } from './schema.ts'
import { inTransaction } from './transaction.ts'

const pages = pagesOf('endpoints')

/** So many deliveries wait no longer after one commit: some 4 ms, where a hundred thousand took seconds. */
export const endWaitsMax = 500
/** Queues whose hidden waits end in one commit. */
export const hiddenQueuesMax = 200

/** What the engine holds of an endpoint. */
export interface EndpointState {
  id: number
  ownerId: number
  origin: string
  paused: boolean
  maxConcurrency: number | null
  maxPerSecond: number | null
  health: EndpointHealth
}

export interface UpdatedEndpoint {
  record: EndpointRecord
  endpointId: number
  /** It was paused and is no more. */
  resumed: boolean
}

type EndpointRow = typeof endpoints.$inferSelect

export type EndpointVerbs = ReturnType<typeof endpointVerbs>

export function endpointVerbs({ db, endpointPublicId, endpointDefaults, ...context }: StoreContext) {
  const { backlogOf } = backlogVerbs({ db })
  const byPublicId = db
    .select()
    .from(endpoints)
    .where(eq(endpoints.publicId, key('publicId')))
    .prepare()
  const byId = db
    .select()
    .from(endpoints)
    .where(eq(endpoints.id, key('id')))
    .prepare()

  const writeHealth = db
    .update(endpoints)
    .set({
      failures: value('failures'),
      failingSince: value('failingSince'),
      unavailableSince: value('unavailableSince'),
      probes: value('probes'),
      nextProbeAt: value('nextProbeAt'),
      retryAfterUntil: value('retryAfterUntil'),
      lastSuccessAt: value('lastSuccessAt'),
    })
    .where(eq(endpoints.id, key('id')))
    .prepare()

  // In the order of the index: of a queue nothing goes before what it follows, wherever a commit ends.
  const endFirstWaits = db
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
        sql`${deliveries.state} = 'pending' and ${deliveries.rank} < 2`,
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

  function toRecord(row: EndpointRow, now: number): EndpointRecord {
    const failing = circuitOpen(row)
    return {
      id: row.publicId,
      origin: row.origin,
      state: failing ? 'failing' : 'healthy',
      failingSince: failing ? row.failingSince : null,
      lastSuccessAt: context.lastSuccessAt?.(row.id) ?? row.lastSuccessAt,
      ...backlogOf(row.id, now),
      retryAfterUntil: (row.retryAfterUntil ?? 0) > now ? row.retryAfterUntil : null,
      paused: row.paused === 1,
      maxConcurrency: row.maxConcurrency,
      maxPerSecond: row.maxPerSecond,
    }
  }

  function owned(ownerId: number, publicId: string): EndpointRow | null {
    const row = byPublicId.get({ publicId })
    return row !== undefined && row.ownerId === ownerId ? row : null
  }

  return {
    /** The row number of an origin of an owner, made where there is none yet. */
    ensureEndpoint(owner: { id: number; name: string }, origin: string, now: number): number {
      const publicId = endpointPublicId(owner.name, origin)
      const found = byPublicId.get({ publicId })
      if (found !== undefined) return found.id
      const row = db
        .insert(endpoints)
        .values({
          publicId,
          ownerId: owner.id,
          origin,
          createdAt: now,
          ...columnsOf(endpointDefaults?.(owner.name, publicId)),
        })
        .returning({ id: endpoints.id })
        .get()
      return row.id
    },

    endpointState(id: number): EndpointState | null {
      const row = byId.get({ id })
      if (row === undefined) return null
      const { ownerId, origin, maxConcurrency, maxPerSecond, ...health } = row
      return {
        id,
        ownerId,
        origin,
        paused: row.paused === 1,
        maxConcurrency,
        maxPerSecond,
        health: healthOf(health),
      }
    },

    saveHealth(id: number, health: EndpointHealth): void {
      writeHealth.run({ id, ...healthOf(health) })
    },

    endpointRowId(ownerId: number, publicId: string): number | null {
      return owned(ownerId, publicId)?.id ?? null
    },

    endpoint(ownerId: number, publicId: string, now: number): EndpointRecord | null {
      const row = owned(ownerId, publicId)
      return row === null ? null : toRecord(row, now)
    },

    listEndpoints(ownerId: number, query: PageQuery, now: number): Page<EndpointRecord> {
      const rows = db
        .select()
        .from(endpoints)
        .where(and(eq(endpoints.ownerId, ownerId), lt(endpoints.id, pages.below(query.cursor))))
        .orderBy(desc(endpoints.id))
        .limit(query.limit + 1)
        .all()
      return pages.page(
        rows,
        query.limit,
        ({ id, createdAt }) => ({ row: id, order: createdAt === 0 ? id : createdAt }),
        (row) => toRecord(row, now),
      )
    },

    /** What a pause held is due already; what waits for another try becomes due when it ends: the rest by `endWaits`. */
    updateEndpoint(
      ownerId: number,
      publicId: string,
      patch: EndpointPatch,
      now: number,
    ): UpdatedEndpoint | null {
      return inTransaction(db, () => {
        const row = owned(ownerId, publicId)
        if (row === null) return null
        const resumed = row.paused === 1 && patch.paused === false
        const set = { ...columnsOf(patch), ...(resumed ? afterPause(healthOf(row), now) : {}) }
        if (Object.keys(set).length > 0) db.update(endpoints).set(set).where(eq(endpoints.id, row.id)).run()
        if (resumed) endWaits(row.id, now)
        return { record: toRecord({ ...row, ...set }, now), endpointId: row.id, resumed }
      })
    },

    /** The wall clock was set back by so much, to `now`. */
    clockWentBack(byMs: number, now: number): void {
      setDeliveriesBack(byMs, now)
      const { failingSince, unavailableSince, nextProbeAt, retryAfterUntil, lastSuccessAt } = endpoints
      const times = [failingSince, unavailableSince, nextProbeAt, retryAfterUntil, lastSuccessAt]
      const later = or(...times.map((column) => gt(column, now)))
      for (const row of db.select().from(endpoints).where(later).all()) {
        writeHealth.run({ id: row.id, ...afterClockBack(healthOf(row), byMs, now) })
      }
    },

    /**
     * What waits for another try becomes due, but for what a paused subscription holds and for `except`: `max` of it in a
     * commit, so call again until there is none. The rest of a backlog is due already and not written.
     * @returns how many deliveries wait no longer
     */
    endWaits,

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
  }

  /**
   * What waits for a time waits no longer than it did. Nothing is put before `now`: what is due already may be of the same
   * queue, and comes first.
   */
  function setDeliveriesBack(byMs: number, now: number): void {
    const back = (column: SQLWrapper) =>
      sql`case when ${column} > ${now} and ${column} < ${heldAt} then max(${now}, ${column} - ${byMs}) else ${column} end`
    db.update(deliveries)
      .set({ dueAt: back(deliveries.dueAt), nextAttemptAt: back(deliveries.nextAttemptAt) })
      .where(sql`${deliveries.state} = 'pending' and ${deliveries.subscriptionId} in (
        select ${deliveries.subscriptionId} from ${deliveries} where ${deliveries.dueAt} > ${now}
        union all select ${deliveries.subscriptionId} from ${deliveries}
          where ${deliveries.state} = 'pending' and ${deliveries.rank} < 2
        union all select queue.id from (select subscription_id as id, max(id) as last from ${deliveries}
            where due_at is not null group by +subscription_id) queue
          where exists (select 1 from ${deliveries} d where d.subscription_id = queue.id and d.id > queue.last
            and d.state = 'pending' and d.due_at is null))`)
      .run()
  }

  function endWaits(
    endpointId: number,
    now: number,
    { except = [], max = endWaitsMax }: { except?: readonly number[]; max?: number } = {},
  ): number {
    return endFirstWaits.all({ endpointId, now, except: JSON.stringify(except), max }).length
  }
}

function columnsOf({ paused, ...limits }: EndpointPatch = {}) {
  return { ...limits, ...(paused === undefined ? {} : { paused: paused ? 1 : 0 }) }
}

function healthOf(row: EndpointHealth): EndpointHealth {
  const { failures, failingSince, unavailableSince, probes, nextProbeAt, retryAfterUntil, lastSuccessAt } =
    row
  return { failures, failingSince, unavailableSince, probes, nextProbeAt, retryAfterUntil, lastSuccessAt }
}
