/**
 * The tables. Shaped by two facts of DESIGN §4: every row and index entry written costs money in a Durable
 * Object (an entry that leaves a partial index costs nothing), and memory schedules what memory can.
 * All times are integer milliseconds.
 */
import { isNotNull, sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { StateReason } from '../core/delivery.ts'
import type { TaskEnd } from '../core/transition.ts'
import type { CancelReason, DeliveryState, SubscriptionEnd } from './records.ts'

/** Facts about the database itself, as `meta.ts` names them. */
export const meta = sqliteTable('meta', {
  key: text().primaryKey(),
  value: text().notNull(),
})

export const owners = sqliteTable('owners', {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  /** Signing secrets by number, newest first: `[{ "n": 2, "expiresAt": null }, …]`. */
  signing: text().notNull(),
})

export const endpoints = sqliteTable(
  'endpoints',
  {
    id: integer().primaryKey(),
    /** `ep_` + hash of owner and origin: the same in every shard. */
    publicId: text('public_id').notNull().unique(),
    ownerId: integer('owner_id').notNull(),
    origin: text().notNull(),
    /** 0 where it was not written yet: of a database that is older than this column. */
    createdAt: integer('created_at').notNull().default(0),
    paused: integer().notNull().default(0),
    maxConcurrency: integer('max_concurrency'),
    maxPerSecond: real('max_per_second'),
    failures: integer().notNull().default(0),
    failingSince: integer('failing_since'),
    unavailableSince: integer('unavailable_since'),
    probes: integer().notNull().default(0),
    nextProbeAt: integer('next_probe_at'),
    retryAfterUntil: integer('retry_after_until'),
    lastSuccessAt: integer('last_success_at'),
  },
  (t) => [index('endpoints_owner').on(t.ownerId)],
)

/**
 * `WITHOUT ROWID` (added to the generated SQL by hand: Drizzle cannot say it) with the token as key. The
 * snapshot itself is the newest row of `transitions`, so a transition writes no task row.
 */
export const tasks = sqliteTable(
  'tasks',
  {
    token: text().primaryKey(),
    statusUrl: text('status_url'),
    createdAt: integer('created_at').notNull(),
    /** 1 while it has an active or paused subscription and has not ended. */
    polling: integer().notNull(),
    /** `completed`, `failed`, `cancelled`, or `lost`, which a new registration undoes. */
    end: text().$type<TaskEnd>(),
    endedAt: integer('ended_at'),
    /** First of possibly two answers that rank before the known state (CONTRACT §5.6). */
    regressedAt: integer('regressed_at'),
    /** First answer that did not know the token. */
    unknownSince: integer('unknown_since'),
    /** 1: the token alone got error 13 or 5, so it is asked for in a call of its own. */
    askedAlone: integer('asked_alone').notNull().default(0),
    /** First failed call of a possible stall. */
    failingSince: integer('failing_since'),
    stalled: integer().notNull().default(0),
  },
  // In the order of their making: entries of new tasks share the last page, where by token each dirties one of its own.
  (t) => [
    index('tasks_polling').on(t.createdAt).where(sql`${t.polling} = 1`),
    // When an outage begins they are few, or none, of all that are polled.
    index('tasks_failing').on(t.failingSince).where(sql`${t.polling} = 1 and ${t.failingSince} is not null`),
  ],
)

/** `WITHOUT ROWID` as well. */
export const transitions = sqliteTable(
  'transitions',
  {
    taskToken: text('task_token')
      .notNull()
      .references(() => tasks.token),
    seq: integer().notNull(),
    type: text().notNull(),
    status: text(),
    percent: real(),
    at: integer().notNull(),
    errorCode: integer('error_code'),
    errorDescription: text('error_description'),
    /** Upstream's status object as JSON text, on the transition that ended the task. */
    result: text(),
    /** 1: there was a result, too large to be kept. */
    resultDropped: integer('result_dropped').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.taskToken, t.seq] })],
)

/** `id` is `owner · 2^40 + n` (core/ids.ts). `completed` is read from the task, not written here. */
export const subscriptions = sqliteTable(
  'subscriptions',
  {
    id: integer().primaryKey(),
    nonce: text().notNull(),
    taskToken: text('task_token')
      .notNull()
      .references(() => tasks.token),
    endpointId: integer('endpoint_id')
      .notNull()
      .references(() => endpoints.id),
    callbackUrl: text('callback_url').notNull(),
    events: text().notNull(),
    percentStep: real('percent_step').notNull(),
    metadata: text().notNull(),
    sealedSecret: text('sealed_secret'),
    watchMs: integer('watch_ms').notNull(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    paused: integer().notNull().default(0),
    /** Written for `expired`, `cancelled`, and `completed` only before a lost task is polled anew. */
    endState: text('end_state').$type<SubscriptionEnd>(),
    endedAt: integer('ended_at'),
    stateReason: text('state_reason').$type<CancelReason>(),
    /** 1: the task was known but not polled at registration; the next poll makes the first event. */
    awaitsState: integer('awaits_state').notNull().default(0),
  },
  (t) => [
    index('subscriptions_task').on(t.taskToken),
    // A quota counts them, and a pause outlasts the polling of the task, by which the others are found.
    index('subscriptions_paused').on(t.id).where(sql`${t.paused} = 1`),
  ],
)

/**
 * `id` is `owner · 2^40 + n`. `due_at` orders the pending deliveries of a subscription (docs/delivery.md, "The queue"):
 * the head has one, and so does what follows a head that was never tried, in the same order; the rest waits.
 */
export const deliveries = sqliteTable(
  'deliveries',
  {
    id: integer().primaryKey(),
    subscriptionId: integer('subscription_id')
      .notNull()
      .references(() => subscriptions.id),
    endpointId: integer('endpoint_id').notNull(),
    /** 0 test, 1 asked for again, 2 regular (core/delivery.ts). */
    rank: integer().notNull(),
    webhookId: text('webhook_id').notNull(),
    type: text().notNull(),
    seq: integer(),
    state: text().notNull().$type<DeliveryState>(),
    stateReason: text('state_reason').$type<StateReason>(),
    attempts: integer().notNull().default(0),
    /** `attempts` when the present schedule began: a redelivery starts a fresh one. */
    scheduleFrom: integer('schedule_from').notNull().default(0),
    nextAttemptAt: integer('next_attempt_at'),
    dueAt: integer('due_at'),
    acceptedAt: integer('accepted_at'),
    createdAt: integer('created_at').notNull(),
    finishedAt: integer('finished_at'),
    body: text().notNull(),
    attemptLog: text('attempt_log').notNull().default('[]'),
  },
  (t) => [
    index('deliveries_subscription').on(t.subscriptionId),
    index('deliveries_due').on(t.endpointId, t.dueAt, t.id, t.subscriptionId).where(isNotNull(t.dueAt)),
    index('deliveries_urgent')
      .on(t.endpointId, t.subscriptionId, t.rank)
      .where(sql`${t.state} = 'pending' and ${t.rank} < 2`),
    // Looked for at each look at an endpoint, behind which very much may wait, and very many tests behind others of their queue.
    index('deliveries_tests')
      .on(t.endpointId, t.dueAt)
      .where(sql`${t.state} = 'pending' and ${t.rank} = 0 and ${t.dueAt} is not null`),
    index('deliveries_exhausted').on(t.id).where(sql`${t.state} = 'exhausted'`),
  ],
)

/** `due_at` of the head of a paused subscription: in the index, never due. */
export const heldAt = 8_640_000_000_000_000
