/** What store verbs take and give: plain data, times in integer milliseconds, public ids as strings. */
import type { StateReason } from '../core/delivery.ts'
import type { RefusalCode, TransportErrorCode } from '../core/outcome.ts'
import type { EventState, StoredResult } from '../core/payload.ts'
import type { TaskError } from '../core/snapshot.ts'

export type SubscriptionEnd = 'completed' | 'expired' | 'cancelled'
export type SubscriptionState = 'active' | 'paused' | SubscriptionEnd
/** Asked for by the owner, or by a receiver that answered 410. */
export type CancelReason = 'requested' | 'gone'
export type DeliveryState = 'pending' | 'delivered' | 'superseded' | 'exhausted' | 'cancelled'

/** Rows of one owner are found by its number; the name is the one in POLLHOOK_API_KEYS. */
export interface Owner {
  id: number
  name: string
}

/** What the registrations of one commit take of their owners' quotas. */
export interface Claims {
  /** The quota of an owner that may have no more; null while it may. */
  exceeded(ownerId: number): number | null
  /** One more is active. */
  made(ownerId: number): void
}

export interface SubscriptionInput {
  ownerId: number
  taskToken: string
  /** As the WHATWG URL parser serialises it. */
  callbackUrl: string
  statusUrl: string | null
  events: readonly string[]
  percentStep: number
  metadata: Readonly<Record<string, string>>
  /** `whsec_…` in clear; the store seals it before it is written. Null: the owner's secret signs. */
  secret: string | null
  expiresInMs: number
}

/** Only the keys that are present change. */
export interface SubscriptionPatch {
  events?: readonly string[]
  percentStep?: number
  metadata?: Readonly<Record<string, string>>
  callbackUrl?: string
  secret?: string | null
  statusUrl?: string | null
  expiresInMs?: number
  state?: 'active' | 'paused'
}

export interface TaskRecord {
  taskToken: string
  status: string | null
  percent: number | null
  seq: number
  changedAt: number | null
  endedAt: number | null
}

export interface SubscriptionRecord {
  id: string
  taskToken: string
  callbackUrl: string
  statusUrl: string | null
  events: string[]
  percentStep: number
  metadata: Record<string, string>
  ownSecret: boolean
  state: SubscriptionState
  stateReason: CancelReason | null
  task: TaskRecord
  createdAt: number
  expiresAt: number
}

export interface TransitionRecord {
  seq: number
  /** `task.encoding`, `task.progress`, `task.lost`… */
  type: string
  status: string | null
  percent: number | null
  at: number
}

export interface TaskDetail extends TaskRecord {
  error: TaskError | null
  /** Upstream's status object as JSON text; null when there is none or it was over 1 MiB. */
  resultJson: string | null
  transitions: TransitionRecord[]
}

export interface DeliveryRecord {
  id: string
  webhookId: string
  subscriptionId: string
  taskToken: string
  type: string
  seq: number | null
  state: DeliveryState
  stateReason: StateReason | null
  attempts: number
  nextAttemptAt: number | null
  createdAt: number
  finishedAt: number | null
}

export interface AttemptRecord {
  attempt: number
  at: number
  url: string
  outcome: 'accepted' | 'rejected' | 'unreachable' | 'refused'
  statusCode: number | null
  errorCode: TransportErrorCode | RefusalCode | null
  durationMs: number
  responseBody: string | null
}

export interface DeliveryDetail extends DeliveryRecord {
  callbackUrl: string
  /** The exact JSON text that every attempt sends. */
  body: string
  /** Oldest first, the newest 20. */
  attemptLog: AttemptRecord[]
}

export interface EndpointRecord {
  id: string
  origin: string
  state: 'healthy' | 'failing'
  failingSince: number | null
  lastSuccessAt: number | null
  backlog: number
  oldestWaitingAt: number | null
  retryAfterUntil: number | null
  paused: boolean
  maxConcurrency: number | null
  maxPerSecond: number | null
}

export interface EndpointPatch {
  paused?: boolean
  maxConcurrency?: number | null
  maxPerSecond?: number | null
}

export interface Page<T> {
  data: T[]
  /** Opaque; null on the last page. A page under a filter may have fewer rows than asked for, or none, and go on. */
  nextCursor: string | null
  /** Of each row of `data`, and of what was not looked at: for whoever merges pages of several databases. */
  positions: PagePosition[]
  /** Of the page that begins with the first row; not there where `data` is empty. */
  start?: string
}

export interface PagePosition {
  /** Of the page that begins behind the row, or with what was not looked at. */
  cursor: string
  /** What the list is ordered by across databases, newest first: a time, or of old endpoints the row number. */
  order: number
}

export interface PageQuery {
  /** 1 to 200. */
  limit: number
  cursor: string | null
}

export interface SubscriptionFilter {
  taskToken?: string
  state?: SubscriptionState
  callbackUrl?: string
}

export interface DeliveryFilter {
  subscriptionId?: string
  state?: DeliveryState
  type?: string
}

/** What decides whether a stream of an owner goes on. */
export interface StreamState {
  /** The newest transition, or the newest from before the owner's last subscription ended. */
  lastSeq: number
  /** More will come that the owner is to see. */
  watching: boolean
}

/** Everything one stream or webhook of a task needs of one transition, in order. */
export interface TransitionEvent extends TransitionRecord {
  previous: EventState | null
  error: TaskError | null
  result: StoredResult
}
