/**
 * Endpoints: the origin of callback URLs of one owner, with its health and settings. A row is written when
 * health or settings change, not at each success (DESIGN §4).
 */
import { and, desc, eq, gt, lt, or } from 'drizzle-orm'
import { afterClockBack, afterPause, circuitOpen, type EndpointHealth } from '../core/endpoint.ts'
import { backlogVerbs } from './backlog.ts'
import type { StoreContext } from './context.ts'
import { key, value } from './literals.ts'
import { pagesOf } from './page.ts'
import type { EndpointPatch, EndpointRecord, Page, PageQuery } from './records.ts'
import { endpoints } from './schema.ts'
import { inTransaction } from './transaction.ts'
import type { WaitVerbs } from './waits.ts'

const pages = pagesOf('endpoints')

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

export function endpointVerbs(
  { db, endpointPublicId, endpointDefaults, lastSuccessAt }: StoreContext,
  { waits }: { waits: WaitVerbs },
) {
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

  function toRecord(row: EndpointRow, now: number): EndpointRecord {
    const failing = circuitOpen(row)
    return {
      id: row.publicId,
      origin: row.origin,
      state: failing ? 'failing' : 'healthy',
      failingSince: failing ? row.failingSince : null,
      lastSuccessAt: lastSuccessAt?.(row.id) ?? row.lastSuccessAt,
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

    /** What a pause held is due already; what waits for another try becomes due when it ends: some of it here, the rest by `endWaits`. */
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
        if (resumed) waits.endWaits(row.id, now)
        return { record: toRecord({ ...row, ...set }, now), endpointId: row.id, resumed }
      })
    },

    /** The wall clock was set back by so much, to `now`. */
    setHealthBack(byMs: number, now: number): void {
      const { failingSince, unavailableSince, nextProbeAt, retryAfterUntil, lastSuccessAt } = endpoints
      const times = [failingSince, unavailableSince, nextProbeAt, retryAfterUntil, lastSuccessAt]
      const later = or(...times.map((column) => gt(column, now)))
      for (const row of db.select().from(endpoints).where(later).all()) {
        writeHealth.run({ id: row.id, ...afterClockBack(healthOf(row), byMs, now) })
      }
    },
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
