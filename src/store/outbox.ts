/**
 * The outbox: a delivery written in the same transaction as what it tells of (DESIGN §3.3). Keeps the order of a
 * subscription's queue in `due_at` (docs/delivery.md, "The queue"), and the rule that the latest progress wins.
 */
import { and, desc, eq, gt, gte, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import { rank, type StateReason } from '../core/delivery.ts'
import { encodeId, ownerFloor, ownerOfRow, webhookId } from '../core/ids.ts'
import { type EventResult, type EventState, noResult, renderEvent } from '../core/payload.ts'
import type { TaskError } from '../core/snapshot.ts'
import { emptyLog } from './attempt-log.ts'
import type { StoreContext } from './context.ts'
import { firstBy, isPending, isRegular, isTest, isUrgent, key, value } from './literals.ts'
import { readNumbering } from './numbering.ts'
import { behind, leads, type Queue, type QueueEnd, type QueueHead, type QueuePlace } from './queue.ts'
import type { DeliveryState } from './records.ts'
import { deliveries, heldAt, subscriptions } from './schema.ts'
import { afterCommit } from './transaction.ts'

/** What the outbox must know of a subscription. */
export interface Recipient {
  id: number
  nonce: string
  taskToken: string
  endpointId: number
  metadata: string
  paused: number
}

/** A recipient of events, with the end of its queue: what is enqueued moves that on. */
export interface Addressee extends Recipient {
  queueEnd: QueueEnd
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
  const { lastWaiting, waitingTest, newestId } = outboxReads(db)
  const { insert, finish, makeNextHead, makeFollowersDue, holdFollowers, clearQueue } = outboxWrites(db)
  const numbering = readNumbering(db)

  /** The newest delivery of each owner: nobody else makes any. What a rollback leaves is a gap. */
  const lastIds = new Map<number, number>()

  function nextId(subscriptionId: number): number {
    const ownerId = ownerOfRow(subscriptionId)
    const id = lastIdOf(ownerId) + 1
    lastIds.set(ownerId, id)
    return id
  }

  function lastIdOf(ownerId: number): number {
    const known = lastIds.get(ownerId)
    if (known !== undefined) return known
    const floor = ownerFloor(ownerId)
    const newest = newestId.get({ floor, ceiling: ownerFloor(ownerId + 1) })?.id ?? floor
    return Math.max(newest, floor + numbering.row)
  }

  function publicSubscriptionId(recipient: { id: number; nonce: string }): string {
    return encodeId('sub', { ...place, row: recipient.id }, recipient.nonce)
  }

  function finishDelivery(id: number, state: DeliveryState, reason: StateReason | null, at: number): void {
    const finished = finish.get({ id, state, reason, at })
    if (onFinished !== undefined) afterCommit(db, () => onFinished({ state, type: finished.type }))
  }

  /** @returns where the new event stands in the queue, now that what it supersedes is out of it */
  function supersedeOlder(to: Addressee, now: number, inFlight: InFlight): QueuePlace {
    const { newest, urgent } = to.queueEnd
    const asHead = { plannedAt: now, dueAt: to.paused === 1 ? heldAt : now }
    if (newest?.state === 'pending' && newest.type === 'task.progress' && !inFlight(newest.id)) {
      finishDelivery(newest.id, 'superseded', 'newer_event', now)
      return newest.dueAt === null || leads(newest) ? behind(newest, now) : asHead
    }
    // What superseded it may have been asked for again since, and is regular no more: others may wait all the same.
    const last = newest?.state === 'superseded' ? lastWaiting.get({ subscriptionId: to.id }) : newest
    if (last?.state === 'pending') return behind(last, now)
    return urgent ? { plannedAt: now, dueAt: null } : asHead
  }

  function render(
    { taskToken, metadata }: Recipient,
    subscriptionId: string,
    event: Omit<OutboxEvent, 'seq'> & { seq: number | null },
  ): string {
    return renderEvent({ ...event, subscriptionId, taskToken, metadataJson: metadata })
  }

  /** What is due already has what follows it due too: there is nothing to do then. */
  function promote({ id: subscriptionId, endpointId }: Queue, after: number): void {
    const head = makeNextHead.get({ subscriptionId, endpointId, after })
    if (head === undefined || head.rank !== rank.regular || !leads(head)) return
    makeFollowersDue.run({ subscriptionId, head: head.id, dueAt: head.dueAt })
  }

  /** Orders the queue from scratch: for the rare commands that change the order or hold it. */
  function refreshHead(of: Queue): void {
    clearQueue.run({ subscriptionId: of.id })
    promote(of, 0)
  }

  return {
    publicSubscriptionId,
    finishDelivery,

    /** It is gone, perhaps while it was under way: what lands then finds no other of its number. */
    keepNumber(id: number): void {
      const ownerId = ownerOfRow(id)
      lastIds.set(ownerId, Math.max(lastIdOf(ownerId), id))
    },

    /** One transition on its way to one subscription. */
    enqueue(to: Addressee, event: OutboxEvent, now: number, inFlight: InFlight): Queued {
      const { plannedAt, dueAt } = supersedeOlder(to, now, inFlight)
      const id = nextId(to.id)
      const publicId = publicSubscriptionId(to)
      insert.run({
        id,
        subscriptionId: to.id,
        endpointId: to.endpointId,
        rank: rank.regular,
        webhookId: webhookId(publicId, event.seq),
        type: event.type,
        seq: event.seq,
        nextAttemptAt: plannedAt,
        dueAt,
        createdAt: now,
        body: render(to, publicId, event),
      })
      to.queueEnd = {
        ...to.queueEnd,
        newest: { id, type: event.type, state: 'pending', attempts: 0, nextAttemptAt: plannedAt, dueAt },
      }
      if (onCreated !== undefined) afterCommit(db, onCreated)
      return { deliveryId: id, endpointId: to.endpointId }
    },

    /** `pollhook.test`: in front of everything that waits, behind other tests. */
    enqueueTest(to: Recipient, state: EventState, now: number): number {
      const isFirst = waitingTest.get({ subscriptionId: to.id, endpointId: to.endpointId }) === undefined
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
        body: render(to, publicSubscriptionId(to), { ...event, result: noResult }),
      })
      if (onCreated !== undefined) afterCommit(db, onCreated)
      // Behind another it changes nothing, and to order a queue reads all that its subscription ever had.
      if (isFirst) refreshHead(to)
      return id
    },

    /** After the head left the queue for good: the next in order becomes due at its own planned time. */
    promoteNext({ id, subscriptionId, endpointId, rank: rankOfHead }: QueueHead): void {
      // Behind one that went before its turn older ones may wait.
      promote({ id: subscriptionId, endpointId }, rankOfHead === rank.regular ? id : 0)
    },

    /** The head was tried in vain and waits: until it is over nothing behind it is due. */
    holdFollowers({ id: head, subscriptionId }: QueueHead): void {
      holdFollowers.run({ subscriptionId, head })
    },

    refreshHead,
  }
}

function outboxReads(db: StoreContext['db']) {
  const ofQueue = sql`endpoint_id = ${key('endpointId')} and subscription_id = ${key('subscriptionId')}`
  const lastWaiting = db
    .select({
      state: deliveries.state,
      attempts: deliveries.attempts,
      nextAttemptAt: deliveries.nextAttemptAt,
      dueAt: deliveries.dueAt,
    })
    .from(deliveries)
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), isPending, isRegular))
    .orderBy(firstBy(desc(deliveries.id)))
    .prepare()
  const newestId = db
    .select({ id: sql<number | null>`max(${deliveries.id})` })
    .from(deliveries)
    .where(and(gte(deliveries.id, key('floor')), lt(deliveries.id, key('ceiling'))))
    .prepare()
  const waitingTest = db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(sql`${ofQueue} and ${isUrgent} and ${isTest}`)
    .orderBy(firstBy(sql`${deliveries.id}`))
    .prepare()
  return { lastWaiting, waitingTest, newestId }
}

function outboxWrites(db: StoreContext['db']) {
  const insert = db
    .insert(deliveries)
    .values({
      id: value('id'),
      subscriptionId: value('subscriptionId'),
      endpointId: value('endpointId'),
      rank: value('rank'),
      webhookId: value('webhookId'),
      type: value('type'),
      seq: value('seq'),
      state: sql`'pending'`,
      nextAttemptAt: value('nextAttemptAt'),
      dueAt: value('dueAt'),
      createdAt: value('createdAt'),
      body: value('body'),
      attemptLog: sql.raw(`'${emptyLog}'`),
    })
    .prepare()
  const finish = db
    .update(deliveries)
    .set({
      state: value('state'),
      stateReason: value('reason'),
      finishedAt: value('at'),
      dueAt: null,
      nextAttemptAt: null,
    })
    .where(eq(deliveries.id, key('id')))
    .returning({ type: deliveries.type })
    .prepare()
  // The planned time is kept beside the due time: a delivery that loses its place as head does not lose its wait.
  const plannedOrHeld = sql`case (select paused from ${subscriptions} where id = ${key('subscriptionId')})
    when 1 then ${sql.raw(String(heldAt))} else ${deliveries.nextAttemptAt} end`
  const urgentFirst = sql`select q.id from ${deliveries} q where q.endpoint_id = ${key('endpointId')}
    and q.subscription_id = ${key('subscriptionId')} and q.state = 'pending' and q.rank < 2
    order by q.rank, q.id limit 1`
  const oldestRegular = sql`select q.id from ${deliveries} q where q.subscription_id = ${key('subscriptionId')}
    and q.id > ${key('after')} and q.state = 'pending' and q.rank = 2 order by q.id limit 1`
  const ofQueue = eq(deliveries.subscriptionId, key('subscriptionId'))
  const makeNextHead = db
    .update(deliveries)
    .set({ dueAt: plannedOrHeld })
    .where(
      and(sql`${deliveries.id} = coalesce((${urgentFirst}), (${oldestRegular}))`, isNull(deliveries.dueAt)),
    )
    .returning({
      id: deliveries.id,
      rank: deliveries.rank,
      attempts: deliveries.attempts,
      nextAttemptAt: deliveries.nextAttemptAt,
      dueAt: deliveries.dueAt,
    })
    .prepare()
  // Not before the head; among equals the due index goes by age.
  const makeFollowersDue = db
    .update(deliveries)
    .set({ dueAt: sql`max(${deliveries.nextAttemptAt}, ${value('dueAt')})` })
    .where(and(ofQueue, gt(deliveries.id, key('head')), isPending, isRegular))
    .prepare()
  const holdFollowers = db
    .update(deliveries)
    .set({ dueAt: null })
    .where(and(ofQueue, isNotNull(deliveries.dueAt), gt(deliveries.id, key('head'))))
    .prepare()
  const clearQueue = db
    .update(deliveries)
    .set({ dueAt: null })
    .where(and(ofQueue, isNotNull(deliveries.dueAt)))
    .prepare()
  return { insert, finish, makeNextHead, makeFollowersDue, holdFollowers, clearQueue }
}
