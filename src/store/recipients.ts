/**
 * Subscriptions as the poll side needs them: who of a task is still to be told, behind what, and how one of them ends.
 */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { firstBy, key, value } from './literals.ts'
import type { Addressee } from './outbox.ts'
import type { QueueEnd } from './queue.ts'
import type { CancelReason, DeliveryState, SubscriptionEnd } from './records.ts'
import { subscriptions } from './schema.ts'

/** A subscription that has not ended by itself; whether its task has is for the caller to know. */
export interface LiveSubscription extends Addressee {
  events: readonly string[]
  percentStep: number
  expiresAt: number
  awaitsState: number
}

export type RecipientVerbs = ReturnType<typeof recipientVerbs>

export function recipientVerbs({ db }: StoreContext) {
  const live = selectLive(db)
  const anyLive = db
    .select({ awaitsState: subscriptions.awaitsState })
    .from(subscriptions)
    .where(and(eq(subscriptions.taskToken, key('token')), isNull(subscriptions.endState)))
    .orderBy(firstBy(sql`${subscriptions.id}`))
    .prepare()
  const end = db
    .update(subscriptions)
    .set({
      endState: value('state'),
      stateReason: value('reason'),
      // What has ended is not ended by its cancelling, but for what a pause held.
      endedAt: sql`case when ${subscriptions.endState} is null or ${subscriptions.paused} = 1 then ${value('at')}
        else ${subscriptions.endedAt} end`,
      awaitsState: 0,
    })
    .where(eq(subscriptions.id, key('id')))
    .prepare()
  const endPause = db
    .update(subscriptions)
    .set({ paused: 0 })
    .where(and(eq(subscriptions.id, key('id')), sql`${subscriptions.paused} = 1`))
    .prepare()
  const stateGiven = db
    .update(subscriptions)
    .set({ awaitsState: 0 })
    .where(eq(subscriptions.id, key('id')))
    .prepare()

  return {
    /** Those of each of `tokens` that has any: one statement for all, because each call costs more than its row. */
    liveSubscriptions(tokens: readonly string[]): Map<string, LiveSubscription[]> {
      const rows = live.values({ tokens: JSON.stringify(tokens) }) as LiveRow[]
      return Map.groupBy(rows.map(toLive), ({ taskToken }) => taskToken)
    },

    hasLive(token: string): boolean {
      return anyLive.get({ token }) !== undefined
    },

    /** Do those who wait for it still wait for its state? All do, or none: the first poll gives it to all. */
    awaitState(token: string): boolean {
      return anyLive.get({ token })?.awaitsState === 1
    },

    endSubscription(id: number, state: SubscriptionEnd, reason: CancelReason | null, at: number): void {
      end.run({ id, state, reason, at })
      // What has expired is held all the same. Of the rest the index of the paused keeps nothing, to be read in vain.
      if (state === 'cancelled') endPause.run({ id })
    },

    /** It has its first event: later polls owe it nothing. */
    markStateGiven(id: number): void {
      stateGiven.run({ id })
    },
  }
}

/**
 * In the order of `LiveRow`: read as it comes, because Drizzle's mapping to objects costs as much as the reading. The
 * ends of the queues come along, for `enqueue`.
 */
function selectLive(db: StoreContext['db']) {
  return db
    .select({
      taskToken: sql`s.task_token`,
      id: sql`s.id`,
      nonce: sql`s.nonce`,
      endpointId: sql`s.endpoint_id`,
      metadata: sql`s.metadata`,
      paused: sql`s.paused`,
      events: sql`s.events`,
      percentStep: sql`s.percent_step`,
      expiresAt: sql`s.expires_at`,
      awaitsState: sql`s.awaits_state`,
      urgent: sql`exists (select 1 from deliveries where endpoint_id = s.endpoint_id and subscription_id = s.id
        and state = 'pending' and rank < 2)`,
      newestId: sql`d.id`,
      type: sql`d.type`,
      state: sql`d.state`,
      attempts: sql`d.attempts`,
      nextAttemptAt: sql`d.next_attempt_at`,
      dueAt: sql`d.due_at`,
    })
    .from(
      sql`json_each(${sql.placeholder('tokens')}) asked
        cross join subscriptions s on s.task_token = asked.value and s.end_state is null
        left join deliveries d on d.id = (select id from deliveries
          where subscription_id = s.id and rank = 2 order by id desc limit 1)`,
    )
    .prepare()
}

type LiveRow = [
  taskToken: string,
  id: number,
  nonce: string,
  endpointId: number,
  metadata: string,
  paused: number,
  events: string,
  percentStep: number,
  expiresAt: number,
  awaitsState: number,
  urgent: number,
  ...newest: NewestRow,
]

type NewestRow = [
  id: number | null,
  type: string,
  state: DeliveryState,
  attempts: number,
  nextAttemptAt: number | null,
  dueAt: number | null,
]

function toLive(row: LiveRow): LiveSubscription {
  const [taskToken, id, nonce, endpointId, metadata, paused, events, ...more] = row
  const [percentStep, expiresAt, awaitsState, urgent, ...newest] = more
  return {
    id,
    nonce,
    taskToken,
    endpointId,
    metadata,
    paused,
    events: JSON.parse(events) as string[],
    percentStep,
    expiresAt,
    awaitsState,
    queueEnd: { newest: toNewest(newest), urgent: urgent === 1 },
  }
}

function toNewest([id, type, state, attempts, nextAttemptAt, dueAt]: NewestRow): QueueEnd['newest'] {
  return id === null ? null : { id, type, state, attempts, nextAttemptAt, dueAt }
}
