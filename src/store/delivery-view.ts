/** Deliveries as their owner sees them. Nothing here writes. */
import { and, desc, eq, gte, lt, type SQL } from 'drizzle-orm'
import { decodeOwnId, encodeId, ownerFloor } from '../core/ids.ts'
import { readAttempts } from './attempt-log.ts'
import type { StoreContext } from './context.ts'
import { isExhausted } from './literals.ts'
import { lookFrom } from './look.ts'
import { pagesOf } from './page.ts'
import type {
  DeliveryDetail,
  DeliveryFilter,
  DeliveryRecord,
  DeliveryState,
  Page,
  PageQuery,
} from './records.ts'
import { deliveries, subscriptions } from './schema.ts'

const pages = pagesOf('deliveries')

/** Whether all that is read fits, or is of one subscription. */
function isIndexed({ subscriptionId, state, type }: DeliveryFilter): boolean {
  return (
    subscriptionId !== undefined || (type === undefined && (state === undefined || state === 'exhausted'))
  )
}

/** What an index has is said as the index says it: of a bound value SQLite could not tell. */
function inState(state: DeliveryState): SQL {
  return state === 'exhausted' ? isExhausted : eq(deliveries.state, state)
}

export type DeliveryViewVerbs = ReturnType<typeof deliveryViewVerbs>

export function deliveryViewVerbs({ db, place }: StoreContext) {
  const columns = {
    id: deliveries.id,
    webhookId: deliveries.webhookId,
    subscriptionId: deliveries.subscriptionId,
    nonce: subscriptions.nonce,
    taskToken: subscriptions.taskToken,
    callbackUrl: subscriptions.callbackUrl,
    type: deliveries.type,
    seq: deliveries.seq,
    state: deliveries.state,
    stateReason: deliveries.stateReason,
    attempts: deliveries.attempts,
    nextAttemptAt: deliveries.nextAttemptAt,
    createdAt: deliveries.createdAt,
    finishedAt: deliveries.finishedAt,
  }
  const joined = (where: SQL | undefined) =>
    db
      .select(columns)
      .from(deliveries)
      .innerJoin(subscriptions, eq(subscriptions.id, deliveries.subscriptionId))
      .where(where)
  type Row = ReturnType<ReturnType<typeof joined>['all']>[number]

  function toRecord(row: Row): DeliveryRecord {
    return {
      // The nonce of its subscription: a number is used again where the newest rows were forgotten.
      id: encodeId('dlv', { ...place, row: row.id }, row.nonce),
      webhookId: row.webhookId,
      subscriptionId: encodeId('sub', { ...place, row: row.subscriptionId }, row.nonce),
      taskToken: row.taskToken,
      type: row.type,
      seq: row.seq,
      state: row.state,
      stateReason: row.stateReason,
      attempts: row.attempts,
      nextAttemptAt: row.nextAttemptAt,
      createdAt: row.createdAt,
      finishedAt: row.finishedAt,
    }
  }

  function rowById(id: number): Row | null {
    return joined(eq(deliveries.id, id)).get() ?? null
  }

  function deliveryRow(ownerId: number, id: string): Row | null {
    const own = decodeOwnId('dlv', id, { ownerId, place })
    if (own === null) return null
    const row = rowById(own.row)
    return row?.nonce === own.nonce ? row : null
  }

  return {
    deliveryRow,

    deliveryRecordOf(id: number): DeliveryRecord {
      const row = rowById(id)
      if (row === null) throw new Error('a delivery that was just written is not there')
      return toRecord(row)
    },

    delivery(ownerId: number, id: string): DeliveryDetail | null {
      const row = deliveryRow(ownerId, id)
      if (row === null) return null
      const rest = db
        .select({ body: deliveries.body, attemptLog: deliveries.attemptLog })
        .from(deliveries)
        .where(eq(deliveries.id, row.id))
        .limit(1)
        .get()
      const { body, attemptLog } = rest ?? { body: 'null', attemptLog: '[]' }
      return { ...toRecord(row), callbackUrl: row.callbackUrl, body, attemptLog: readAttempts(attemptLog) }
    },

    listDeliveries(ownerId: number, query: PageQuery & DeliveryFilter): Page<DeliveryRecord> {
      const before = pages.below(query.cursor, ownerFloor(ownerId + 1))
      const look = isIndexed(query) ? null : lookFrom(db, deliveries, ownerId, before)
      const conditions: SQL[] = [
        // One bound alone: SQLite seeks by the first and would test every row by a second.
        gte(deliveries.id, look?.from ?? ownerFloor(ownerId)),
        lt(deliveries.id, before),
      ]
      if (query.subscriptionId !== undefined) {
        const own = decodeOwnId('sub', query.subscriptionId, { ownerId, place })
        if (own === null) return { data: [], nextCursor: null, positions: [] }
        conditions.push(eq(deliveries.subscriptionId, own.row), eq(subscriptions.nonce, own.nonce))
      }
      if (query.state !== undefined) conditions.push(inState(query.state))
      if (query.type !== undefined) conditions.push(eq(deliveries.type, query.type))
      const rows = joined(and(...conditions))
        .orderBy(desc(deliveries.id))
        .limit(query.limit + 1)
        .all()
      return pages.page(
        rows,
        query.limit,
        (row) => ({ row: row.id, order: row.createdAt }),
        toRecord,
        look?.behind,
      )
    },
  }
}
