/**
 * Registering and cancelling subscriptions, each in one transaction with the deliveries that follow from it. Knows no URL policy and no defaults: its input was checked.
 */
import { and, eq, gte, isNull, lt, sql } from 'drizzle-orm'
import type { SubscribeResult } from '../commands.ts'
import { ownerFloor, ownerOfRow } from '../core/ids.ts'
import { eventResult, noResult } from '../core/payload.ts'
import { eventMatches, isOpen } from '../core/subscription.ts'
import { originOf } from '../core/target.ts'
import type { StoreContext } from './context.ts'
import type { EndpointVerbs } from './endpoints.ts'
import { isPending, key, value } from './literals.ts'
import type { InFlight, OutboxVerbs } from './outbox.ts'
import type { OwnerVerbs } from './owners.ts'
import { emptyQueue } from './queue.ts'
import type { RecipientVerbs } from './recipients.ts'
import type { CancelReason, Claims, SubscriptionInput, SubscriptionRecord } from './records.ts'
import { deliveries, subscriptions } from './schema.ts'
import { type SubscriptionRow, type SubscriptionViewVerbs, subscriptionState } from './subscription-view.ts'
import { asPolledAnew, type Snapshot, type TaskRow, type TaskVerbs } from './tasks.ts'
import { afterCommit, inTransaction } from './transaction.ts'
import { type Twins, twinVerbs } from './twins.ts'

/** What registering and changing subscriptions use of the rest of the store. */
export interface UsedVerbs {
  tasks: TaskVerbs
  outbox: OutboxVerbs
  recipients: RecipientVerbs
  endpoints: EndpointVerbs
  owners: OwnerVerbs
  views: SubscriptionViewVerbs
}

export interface Cancelled {
  subscriptionId: number
  /** May have nobody left to tell. */
  taskToken: string
  /** The owner of each subscription that is no longer active or paused. */
  released: readonly number[]
}

const nothingInFlight: InFlight = () => false

/** What the registrations of one commit share: read once for all of them, kept up to date by each. */
interface Registering {
  now: number
  claims: Claims
  /** Those that something waits for now. */
  endpointIds: Set<number>
  /** By token, as far as there are any. */
  tasks: Map<string, TaskRow>
  twins: Twins
  /** Row numbers: of the newest subscription by owner, of endpoints by owner and origin. */
  newestIds: Map<number, number>
  endpoints: Map<string, number>
}

export type SubscriptionVerbs = ReturnType<typeof subscriptionVerbs>

export function subscriptionVerbs(context: StoreContext, verbs: UsedVerbs) {
  const { db, vault, randomText, onFinished } = context
  const { tasks, outbox, endpoints, owners, views } = verbs
  const { openTwins, equalOptions } = twinVerbs(context, verbs)
  const newestId = db
    .select({ id: sql<number | null>`max(${subscriptions.id})` })
    .from(subscriptions)
    .where(and(gte(subscriptions.id, key('floor')), lt(subscriptions.id, key('ceiling'))))
    .prepare()
  const cancelPending = db
    .update(deliveries)
    .set({
      state: sql`'cancelled'`,
      stateReason: value('reason'),
      finishedAt: value('at'),
      dueAt: sql`null`,
      nextAttemptAt: sql`null`,
    })
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), isPending))
    .returning({ type: deliveries.type })
    .prepare()

  /** The task as it is polled from now on for a new subscription, and whether it was being polled already. */
  function openTask(
    input: SubscriptionInput,
    found: TaskRow | null,
    now: number,
  ): { task: TaskRow; fresh: boolean } {
    if (found === null) {
      const task = tasks.addTask({ token: input.taskToken, statusUrl: input.statusUrl, createdAt: now })
      return { task, fresh: true }
    }
    const { end } = found
    const fresh = found.polling === 0 && (end === null || end === 'lost')
    // Those whose wish ended with the loss stay completed although the task goes on (CONTRACT §3).
    if (fresh && end === 'lost') completeSubscriptions(found)
    const statusUrl = input.statusUrl ?? found.statusUrl
    const next = { ...found, statusUrl, ...(fresh ? asPolledAnew : {}) }
    tasks.saveTask(found, next)
    return { task: next, fresh }
  }

  function completeSubscriptions(task: TaskRow): void {
    db.update(subscriptions)
      .set({ endState: 'completed', endedAt: task.endedAt })
      .where(and(eq(subscriptions.taskToken, task.token), isNull(subscriptions.endState)))
      .run()
  }

  /** A task that is already known gives its current state at once (CONTRACT §2 "Registering"). */
  function giveCurrentState(
    row: SubscriptionRow,
    task: TaskRow,
    snapshot: Snapshot | null,
    now: number,
  ): boolean {
    if (snapshot === null || snapshot.status === null) return false
    const type = `task.${snapshot.status}`
    if (!eventMatches(JSON.parse(row.events) as string[], type)) return false
    const ended = task.end !== null
    const event = {
      ...snapshot,
      type,
      previous: null,
      error: ended ? tasks.lastError(task.token) : null,
      result: ended ? eventResult(tasks.result(task.token, snapshot.seq)) : noResult,
    }
    outbox.enqueue({ ...row, queueEnd: emptyQueue }, event, now, nothingInFlight)
    return true
  }

  function nextId(ownerId: number, { newestIds }: Registering): number {
    const floor = ownerFloor(ownerId)
    const newest = newestIds.get(ownerId) ?? newestId.get({ floor, ceiling: ownerFloor(ownerId + 1) })?.id
    const id = (newest ?? floor) + 1
    newestIds.set(ownerId, id)
    return id
  }

  function endpointOf(ownerId: number, callbackUrl: string, registering: Registering): number {
    const origin = originOf(callbackUrl)
    const name = `${ownerId} ${origin}`
    const known = registering.endpoints.get(name)
    if (known !== undefined) return known
    const owner = { id: ownerId, name: owners.ownerName(ownerId) }
    const id = endpoints.ensureEndpoint(owner, origin, registering.now)
    registering.endpoints.set(name, id)
    return id
  }

  function insert(input: SubscriptionInput, awaitsState: boolean, registering: Registering): SubscriptionRow {
    const { now } = registering
    const id = nextId(input.ownerId, registering)
    const nonce = randomText(8)
    const publicId = outbox.publicSubscriptionId({ id, nonce })
    const row: SubscriptionRow = {
      id,
      nonce,
      taskToken: input.taskToken,
      endpointId: endpointOf(input.ownerId, input.callbackUrl, registering),
      callbackUrl: input.callbackUrl,
      events: JSON.stringify(input.events),
      percentStep: input.percentStep,
      metadata: JSON.stringify(input.metadata),
      sealedSecret: input.secret === null ? null : vault.seal(publicId, input.secret),
      watchMs: input.expiresInMs,
      createdAt: now,
      expiresAt: now + input.expiresInMs,
      paused: 0,
      endState: null,
      endedAt: null,
      stateReason: null,
      awaitsState: awaitsState ? 1 : 0,
    }
    insertRow.run(row)
    return row
  }

  const insertRow = db
    .insert(subscriptions)
    .values({
      id: value('id'),
      nonce: value('nonce'),
      taskToken: value('taskToken'),
      endpointId: value('endpointId'),
      callbackUrl: value('callbackUrl'),
      events: value('events'),
      percentStep: value('percentStep'),
      metadata: value('metadata'),
      sealedSecret: value('sealedSecret'),
      watchMs: value('watchMs'),
      createdAt: value('createdAt'),
      expiresAt: value('expiresAt'),
      awaitsState: value('awaitsState'),
    })
    .prepare()

  function subscribeOne(input: SubscriptionInput, registering: Registering): SubscribeResult {
    const known = registering.tasks.get(input.taskToken) ?? null
    const twin = known === null ? null : registering.twins.active(input)
    if (twin !== null && known !== null) {
      if (!equalOptions(twin, input)) {
        return { kind: 'subscription_exists', id: outbox.publicSubscriptionId(twin) }
      }
      const task = input.statusUrl === null ? known : { ...known, statusUrl: input.statusUrl }
      tasks.saveTask(known, task)
      registering.tasks.set(task.token, task)
      return { kind: 'existing', subscription: views.subscriptionRecord(twin, task) }
    }
    const quota = registering.claims.exceeded(input.ownerId)
    if (quota !== null) return { kind: 'quota_exceeded', quota }
    const subscription = create(input, known, registering)
    // Who registers for what has ended is told of it, and that is all.
    if (isOpen(subscription.state)) registering.claims.made(input.ownerId)
    return { kind: 'created', subscription }
  }

  function create(
    input: SubscriptionInput,
    known: TaskRow | null,
    registering: Registering,
  ): SubscriptionRecord {
    const { now, endpointIds } = registering
    const { task, fresh } = openTask(input, known, now)
    registering.tasks.set(task.token, task)
    const snapshot = known === null ? null : tasks.snapshot(task.token)
    const isKnown = (snapshot?.status ?? null) !== null
    // Known but not polled until now, or lost and not yet seen again: only a new poll can tell how it stands.
    const unsure =
      isKnown && (fresh || snapshot?.status === 'lost' || verbs.recipients.awaitState(task.token))
    const awaits = task.end === null && unsure
    const row = insert(input, awaits, registering)
    if (task.end === null) registering.twins.made(row)
    if (!awaits && giveCurrentState(row, task, snapshot, now)) endpointIds.add(row.endpointId)
    return views.subscriptionRecord(row, task, snapshot)
  }

  /** Ends it and its pending deliveries; a task with nobody left to tell is not polled any more. */
  function cancel(row: SubscriptionRow, reason: CancelReason, now: number): Cancelled {
    const { id: subscriptionId, taskToken } = row
    if (row.endState === 'cancelled') return { subscriptionId, taskToken, released: [] }
    const task = views.taskOf(row)
    const state = subscriptionState(row, task)
    // What had come to its end with its task did not go on until now.
    const endedAt = state === 'completed' ? Math.max(task.endedAt ?? now, row.createdAt) : now
    verbs.recipients.endSubscription(subscriptionId, 'cancelled', reason, endedAt)
    const ended = cancelPending.all({ subscriptionId, reason, at: now })
    for (const { type } of ended) afterCommit(db, () => onFinished?.({ state: 'cancelled', type }))
    if (task.polling === 1 && !verbs.recipients.hasLive(task.token)) {
      tasks.saveTask(task, { ...task, polling: 0 })
    }
    return { subscriptionId, taskToken, released: isOpen(state) ? [ownerOfRow(row.id)] : [] }
  }

  return {
    /** A receiver answered 410 (CONTRACT §4.4). @throws when there is no such row */
    cancelGone(id: number, now: number): Cancelled {
      const row = views.subscriptionRowById(id)
      if (row === null) throw new Error('there is no such subscription')
      return cancel(row, 'gone', now)
    },

    /** All of them in one commit, results in order. `endpointIds` are those that something waits for now. */
    subscribe(
      inputs: readonly SubscriptionInput[],
      now: number,
      claims: Claims,
    ): { results: SubscribeResult[]; endpointIds: ReadonlySet<number> } {
      return inTransaction(db, () => {
        const registering: Registering = {
          now,
          claims,
          endpointIds: new Set(),
          tasks: tasks.tasksOf(inputs.map(({ taskToken }) => taskToken)),
          twins: openTwins(inputs),
          newestIds: new Map(),
          endpoints: new Map(),
        }
        const results = inputs.map((input) => subscribeOne(input, registering))
        return { results, endpointIds: registering.endpointIds }
      })
    },

    /** @returns null when the owner has no such subscription */
    cancelSubscription(ownerId: number, id: string, now: number): Cancelled | null {
      return inTransaction(db, () => {
        const row = views.subscriptionRow(ownerId, id)
        return row === null ? null : cancel(row, 'requested', now)
      })
    },
  }
}
