/** Subscriptions as their owner sees them. `completed` is read from the task; nothing here writes. */
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import { decodeOwnId, ownerFloor } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { key } from './literals.ts'
import { lookFrom } from './look.ts'
import type { OutboxVerbs } from './outbox.ts'
import { pagesOf } from './page.ts'
import type {
  Page,
  PageQuery,
  SubscriptionFilter,
  SubscriptionRecord,
  SubscriptionState,
  TaskRecord,
} from './records.ts'
import { subscriptions, tasks } from './schema.ts'
import type { Snapshot, TaskRow, TaskVerbs } from './tasks.ts'

const pages = pagesOf('subscriptions')

export type SubscriptionRow = typeof subscriptions.$inferSelect

/** The state of a subscription of a task that has ended or not; its twin in SQL is `inState`. */
export function subscriptionState(
  row: Pick<SubscriptionRow, 'paused' | 'endState'>,
  task: Pick<TaskRow, 'end'>,
): SubscriptionState {
  if (row.endState === 'cancelled') return 'cancelled'
  if (row.paused === 1) return 'paused'
  if (row.endState !== null) return row.endState
  return task.end === null ? 'active' : 'completed'
}

/** Only the last two look at the task: of very many subscriptions that costs far more than to read them. */
export const inState: Readonly<Record<SubscriptionState, SQL>> = {
  cancelled: sql`${subscriptions.endState} = 'cancelled'`,
  paused: sql`${subscriptions.paused} = 1 and ${subscriptions.endState} is not 'cancelled'`,
  expired: sql`${subscriptions.paused} = 0 and ${subscriptions.endState} = 'expired'`,
  completed: sql`${subscriptions.paused} = 0 and (${subscriptions.endState} = 'completed'
    or (${subscriptions.endState} is null and ${tasks.end} is not null))`,
  active: sql`${subscriptions.paused} = 0 and ${subscriptions.endState} is null and ${tasks.end} is null`,
}

/** Whether all that is read fits, or is of one task. */
function isIndexed({ taskToken, state, callbackUrl }: SubscriptionFilter): boolean {
  return taskToken !== undefined || (callbackUrl === undefined && (state === undefined || state === 'paused'))
}

export type SubscriptionViewVerbs = ReturnType<typeof subscriptionViewVerbs>

export function subscriptionViewVerbs(
  { db, place }: StoreContext,
  verbs: { tasks: TaskVerbs; outbox: OutboxVerbs },
) {
  const byId = db
    .select()
    .from(subscriptions)
    .where(eq(subscriptions.id, key('id')))
    .prepare()

  function taskRecord(task: TaskRow, snapshot = verbs.tasks.snapshot(task.token)): TaskRecord {
    return {
      taskToken: task.token,
      status: snapshot?.status ?? null,
      percent: snapshot?.percent ?? null,
      seq: snapshot?.seq ?? 0,
      changedAt: snapshot?.at ?? null,
      endedAt: task.endedAt,
    }
  }

  /** @param snapshot the task's, where it was read already */
  function toRecord(row: SubscriptionRow, task: TaskRow, snapshot?: Snapshot | null): SubscriptionRecord {
    return {
      id: verbs.outbox.publicSubscriptionId(row),
      taskToken: row.taskToken,
      callbackUrl: row.callbackUrl,
      statusUrl: task.statusUrl,
      events: JSON.parse(row.events) as string[],
      percentStep: row.percentStep,
      metadata: JSON.parse(row.metadata) as Record<string, string>,
      ownSecret: row.sealedSecret !== null,
      state: subscriptionState(row, task),
      stateReason: row.stateReason,
      task: taskRecord(task, snapshot),
      createdAt: row.createdAt,
      expiresAt: row.expiresAt,
    }
  }

  function rowOf(ownerId: number, id: string): SubscriptionRow | null {
    const own = decodeOwnId('sub', id, { ownerId, place })
    if (own === null) return null
    const row = byId.get({ id: own.row })
    return row?.nonce === own.nonce ? row : null
  }

  function taskOf(row: SubscriptionRow): TaskRow {
    const task = verbs.tasks.task(row.taskToken)
    if (task === null) throw new Error('a subscription has no task')
    return task
  }

  return {
    taskRecord,
    subscriptionRecord: toRecord,
    subscriptionRow: rowOf,
    subscriptionRowById: (id: number): SubscriptionRow | null => byId.get({ id }) ?? null,
    taskOf,

    subscription(ownerId: number, id: string): SubscriptionRecord | null {
      const row = rowOf(ownerId, id)
      return row === null ? null : toRecord(row, taskOf(row))
    },

    listSubscriptions(ownerId: number, query: PageQuery & SubscriptionFilter): Page<SubscriptionRecord> {
      const before = pages.below(query.cursor, ownerFloor(ownerId + 1))
      const look = isIndexed(query) ? null : lookFrom(db, subscriptions, ownerId, before)
      const conditions: SQL[] = [
        // One bound alone: SQLite seeks by the first and would test every row by a second.
        gte(subscriptions.id, look?.from ?? ownerFloor(ownerId)),
        lt(subscriptions.id, before),
      ]
      if (query.taskToken !== undefined) conditions.push(eq(subscriptions.taskToken, query.taskToken))
      if (query.callbackUrl !== undefined) conditions.push(eq(subscriptions.callbackUrl, query.callbackUrl))
      if (query.state !== undefined) conditions.push(inState[query.state])
      const rows = db
        .select({ subscription: subscriptions, task: tasks })
        .from(subscriptions)
        .innerJoin(tasks, eq(tasks.token, subscriptions.taskToken))
        .where(and(...conditions))
        .orderBy(desc(subscriptions.id))
        .limit(query.limit + 1)
        .all()
      return pages.page(
        rows,
        query.limit,
        ({ subscription }) => ({ row: subscription.id, order: subscription.createdAt }),
        (row) => toRecord(row.subscription, row.task),
        look?.behind,
      )
    },

    /** Active and paused subscriptions of an owner: what its quota counts. */
    countOpen(ownerId: number): number {
      const ofOwner = sql`${subscriptions.id} >= ${ownerFloor(ownerId)} and ${subscriptions.id} < ${ownerFloor(ownerId + 1)}`
      // A pause outlasts expiry and the end of the task; what is active is found by the index of polled tasks.
      const row = db.all<{ n: number }>(sql`select
        (select count(*) from ${tasks} join ${subscriptions} on ${subscriptions.taskToken} = ${tasks.token}
          where ${tasks.polling} = 1 and ${subscriptions.endState} is null and ${subscriptions.paused} = 0 and ${ofOwner})
        + (select count(*) from ${subscriptions}
          where ${subscriptions.paused} = 1 and ${subscriptions.endState} is not 'cancelled' and ${ofOwner}) as n`)[0]
      return row?.n ?? 0
    },
  }
}
