/**
 * The outbox: a delivery written in the same transaction as what it tells of (DESIGN §3.3). Keeps the rule
 * that one delivery of a subscription, its head, is due at a time, and that the latest progress wins.
 */
import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import { rank, type StateReason } from '../core/delivery.ts'
import { encodeId, ownerFloor, ownerOfRow, webhookId } from '../core/ids.ts'
import { type EventResult, type EventState, renderEvent } from '../core/payload.ts'
import type { TaskError } from '../core/snapshot.ts'
import type { StoreContext } from './context.ts'
import { firstBy, isPending, isRegular, key } from './literals.ts'
import { deliveries, heldAt, subscriptions } from './schema.ts'

/** What the outbox must know of a subscription. */
export interface Recipient {
  id: number
  nonce: string
  taskToken: string
  endpointId: number
  metadata: string
  paused: number
}

export interface OutboxEvent {
  type: string
  /** When the change was detected. */
  at: number
  seq: number
  status: string | null
  percent: number | null
  previous: EventState | null
  error: TaskError | null
  result: EventResult
}

/** Which deliveries are being sent right now: they are not superseded under the sender's feet. */
export type InFlight = (deliveryId: number) => boolean

export interface Queued {
  deliveryId: number
  endpointId: number
}

export type OutboxVerbs = ReturnType<typeof outboxVerbs>

export function outboxVerbs({ db, place, randomText, onCreated, onFinished }: StoreContext) {
  const { newestRegular, waitingRegular, urgent, newestId } = outboxReads(db)
  const { insert, finish, makeNextHead, clearHeads } = outboxWrites(db)

  function nextId(subscriptionId: number): number {
    const floor = ownerFloor(ownerOfRow(subscriptionId))
    const row = newestId.get({ floor, ceiling: ownerFloor(ownerOfRow(subscriptionId) + 1) })
    return (row?.id ?? floor) + 1
  }

  function publicSubscriptionId(recipient: { id: number; nonce: string }): string {
    return encodeId('sub', { ...place, row: recipient.id }, recipient.nonce)
  }

  function finishDelivery(id: number, state: string, reason: StateReason | null, at: number): void {
    finish.run({ id, state, reason, at })
    onFinished?.(state)
  }

  /** @returns whether the new event becomes the head */
  function supersedeOlder(to: Recipient, now: number, inFlight: InFlight): boolean {
    const newest = newestRegular.get({ subscriptionId: to.id })
    if (newest?.state !== 'pending') {
      // What superseded it may have been asked for again since, and is regular no more: others may wait all the same.
      const others =
        newest?.state === 'superseded' && waitingRegular.get({ subscriptionId: to.id }) !== undefined
      return !others && headOfUrgent(to) === null
    }
    if (newest.type !== 'task.progress' || inFlight(newest.id)) return false
    finishDelivery(newest.id, 'superseded', 'newer_event', now)
    return newest.dueAt !== null
  }

  function headOfUrgent(to: { id: number; endpointId: number }): number | null {
    return urgent.get({ subscriptionId: to.id, endpointId: to.endpointId })?.id ?? null
  }

  function render(to: Recipient, event: Omit<OutboxEvent, 'seq'> & { seq: number | null }): string {
    return renderEvent({
      ...event,
      subscriptionId: publicSubscriptionId(to),
      taskToken: to.taskToken,
      metadataJson: to.metadata,
    })
  }

  return {
    publicSubscriptionId,
    finishDelivery,

    /** One transition on its way to one subscription. */
    enqueue(to: Recipient, event: OutboxEvent, now: number, inFlight: InFlight): Queued {
      const isHead = supersedeOlder(to, now, inFlight)
      const id = nextId(to.id)
      insert.run({
        id,
        subscriptionId: to.id,
        endpointId: to.endpointId,
        rank: rank.regular,
        webhookId: webhookId(publicSubscriptionId(to), event.seq),
        type: event.type,
        seq: event.seq,
        nextAttemptAt: now,
        dueAt: isHead ? (to.paused === 1 ? heldAt : now) : null,
        createdAt: now,
        body: render(to, event),
      })
      onCreated?.()
      return { deliveryId: id, endpointId: to.endpointId }
    },

    /** `pollhook.test`: in front of everything that waits; the caller refreshes the head. */
    enqueueTest(to: Recipient, state: EventState, now: number): number {
      const id = nextId(to.id)
      const event = { type: 'pollhook.test', at: now, seq: null, ...state, previous: null, error: null }
      insert.run({
        id,
        subscriptionId: to.id,
        endpointId: to.endpointId,
        rank: rank.test,
        webhookId: `msg_${randomText(27)}`,
        type: 'pollhook.test',
        seq: null,
        nextAttemptAt: now,
        dueAt: null,
        createdAt: now,
        body: render(to, { ...event, result: { json: null, truncated: false } }),
      })
      onCreated?.()
      return id
    },

    /** After the head left the queue for good: the next in order becomes due at its own planned time. */
    promoteNext(of: { id: number; endpointId: number }, after: number): void {
      makeNextHead.run({ subscriptionId: of.id, endpointId: of.endpointId, after })
    },

    /** Finds the head from scratch: for the rare commands that change the order or hold it. */
    refreshHead(of: { id: number; endpointId: number }): void {
      clearHeads.run({ subscriptionId: of.id })
      makeNextHead.run({ subscriptionId: of.id, endpointId: of.endpointId, after: 0 })
    },
  }
}

function outboxReads(db: StoreContext['db']) {
  const newestRegular = db
    .select({ id: deliveries.id, type: deliveries.type, state: deliveries.state, dueAt: deliveries.dueAt })
    .from(deliveries)
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), isRegular))
    .orderBy(firstBy(desc(deliveries.id)))
    .prepare()
  const waitingRegular = db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), isPending, isRegular))
    .orderBy(firstBy(sql`${deliveries.id}`))
    .prepare()
  const urgent = db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(
      and(
        eq(deliveries.endpointId, key('endpointId')),
        eq(deliveries.subscriptionId, key('subscriptionId')),
        sql`${deliveries.state} = 'pending' and ${deliveries.rank} < 2`,
      ),
    )
    .orderBy(deliveries.rank, firstBy(sql`${deliveries.id}`))
    .prepare()
  const newestId = db
    .select({ id: sql<number | null>`max(${deliveries.id})` })
    .from(deliveries)
    .where(and(gte(deliveries.id, key('floor')), lt(deliveries.id, key('ceiling'))))
    .prepare()
  return { newestRegular, waitingRegular, urgent, newestId }
}

function outboxWrites(db: StoreContext['db']) {
  const p = sql.placeholder
  const insert = db
    .insert(deliveries)
    .values({
      id: p('id'),
      subscriptionId: p('subscriptionId'),
      endpointId: p('endpointId'),
      rank: p('rank'),
      webhookId: p('webhookId'),
      type: p('type'),
      seq: p('seq'),
      state: 'pending',
      nextAttemptAt: p('nextAttemptAt'),
      dueAt: p('dueAt'),
      createdAt: p('createdAt'),
      body: p('body'),
    })
    .prepare()
  const finish = db
    .update(deliveries)
    .set({
      state: sql`${p('state')}`,
      stateReason: sql`${p('reason')}`,
      finishedAt: sql`${p('at')}`,
      dueAt: null,
      nextAttemptAt: null,
    })
    .where(eq(deliveries.id, key('id')))
    .prepare()
  // The planned time is kept beside the due time: a delivery that loses its place as head does not lose its wait.
  const plannedOrHeld = sql`case (select paused from ${subscriptions} where id = ${key('subscriptionId')})
    when 1 then ${sql.raw(String(heldAt))} else ${deliveries.nextAttemptAt} end`
  const urgentFirst = sql`select q.id from ${deliveries} q where q.endpoint_id = ${key('endpointId')}
    and q.subscription_id = ${key('subscriptionId')} and q.state = 'pending' and q.rank < 2
    order by q.rank, q.id limit 1`
  const oldestRegular = sql`select q.id from ${deliveries} q where q.subscription_id = ${key('subscriptionId')}
    and q.id > ${key('after')} and q.state = 'pending' and q.rank = 2 order by q.id limit 1`
  const makeNextHead = db
    .update(deliveries)
    .set({ dueAt: plannedOrHeld })
    .where(sql`${deliveries.id} = coalesce((${urgentFirst}), (${oldestRegular}))`)
    .prepare()
  const clearHeads = db
    .update(deliveries)
    .set({ dueAt: null })
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), sql`${deliveries.dueAt} is not null`))
    .prepare()
  return { insert, finish, makeNextHead, clearHeads }
}
