/** Records of the store as the JSON of CONTRACT §2; typed by the schemas that the document shows. */
import type { Context } from 'hono'
import type * as v from 'valibot'
import type { SigningSecret } from '../commands.ts'
import type {
  AttemptRecord,
  DeliveryDetail as DeliveryDetailRecord,
  DeliveryRecord,
  EndpointRecord,
  Page,
  SubscriptionRecord,
  TaskDetail as TaskDetailRecord,
  TaskRecord,
} from '../store/records.ts'
import type * as answers from './answers.ts'
import type { HttpEnv } from './deps.ts'
import { isoTime } from './text.ts'

type Json<S extends v.GenericSchema> = v.InferOutput<S>

/** When a task was last polled by this process; memory knows it, not the store. */
export type PolledAt = (taskToken: string) => number | null

export function subscriptionJson(
  record: SubscriptionRecord,
  polledAt: PolledAt,
): Json<typeof answers.Subscription> {
  return {
    id: record.id,
    task_token: record.taskToken,
    callback_url: record.callbackUrl,
    status_url: record.statusUrl,
    events: record.events,
    percent_step: record.percentStep,
    metadata: record.metadata,
    own_secret: record.ownSecret,
    state: record.state,
    state_reason: record.stateReason,
    task: {
      status: record.task.status,
      percent: record.task.percent,
      seq: record.task.seq,
      changed_at: isoTime(record.task.changedAt),
      polled_at: isoTime(polledAt(record.taskToken)),
    },
    created_at: isoTime(record.createdAt),
    expires_at: isoTime(record.expiresAt),
  }
}

export function taskJson(record: TaskRecord, polledAt: PolledAt): Json<typeof answers.Task> {
  return {
    task_token: record.taskToken,
    status: record.status,
    percent: record.percent,
    seq: record.seq,
    changed_at: isoTime(record.changedAt),
    polled_at: isoTime(polledAt(record.taskToken)),
    ended_at: isoTime(record.endedAt),
  }
}

export function taskDetailJson(
  record: TaskDetailRecord,
  polledAt: PolledAt,
): Json<typeof answers.TaskDetail> {
  return {
    ...taskJson(record, polledAt),
    error: record.error && { code: record.error.code, description: record.error.description },
    result: record.resultJson === null ? null : JSON.parse(record.resultJson),
    transitions: record.transitions.map(({ seq, type, status, percent, at }) => ({
      seq,
      type,
      status,
      percent,
      at: isoTime(at),
    })),
  }
}

export function deliveryJson(record: DeliveryRecord): Json<typeof answers.Delivery> {
  return {
    id: record.id,
    webhook_id: record.webhookId,
    subscription_id: record.subscriptionId,
    task_token: record.taskToken,
    type: record.type,
    seq: record.seq,
    state: record.state,
    state_reason: record.stateReason,
    attempts: record.attempts,
    next_attempt_at: isoTime(record.nextAttemptAt),
    created_at: isoTime(record.createdAt),
    finished_at: isoTime(record.finishedAt),
  }
}

export function deliveryDetailJson(record: DeliveryDetailRecord): Json<typeof answers.DeliveryDetail> {
  return {
    ...deliveryJson(record),
    callback_url: record.callbackUrl,
    payload: JSON.parse(record.body),
    attempt_log: record.attemptLog.map(attemptJson),
  }
}

function attemptJson(record: AttemptRecord): Json<typeof answers.DeliveryDetail>['attempt_log'][number] {
  return {
    attempt: record.attempt,
    at: isoTime(record.at),
    url: record.url,
    outcome: record.outcome,
    status_code: record.statusCode,
    error_code: record.errorCode,
    duration_ms: record.durationMs,
    response_body: record.responseBody,
  }
}

export function endpointJson(record: EndpointRecord): Json<typeof answers.Endpoint> {
  return {
    id: record.id,
    origin: record.origin,
    state: record.state,
    failing_since: isoTime(record.failingSince),
    last_success_at: isoTime(record.lastSuccessAt),
    backlog: record.backlog,
    oldest_waiting_at: isoTime(record.oldestWaitingAt),
    retry_after_until: isoTime(record.retryAfterUntil),
    paused: record.paused,
    max_concurrency: record.maxConcurrency,
    max_per_second: record.maxPerSecond,
  }
}

export function secretsJson(secrets: readonly SigningSecret[]): Json<typeof answers.SigningSecrets> {
  return { secrets: secrets.map(({ secret, expiresAt }) => ({ secret, expires_at: isoTime(expiresAt) })) }
}

function pageJson<T, J>(page: Page<T>, json: (row: T) => J): { data: J[]; next_cursor: string | null } {
  return { data: page.data.map((row) => json(row)), next_cursor: page.nextCursor }
}

/** A header by which a router of several relays asks for what it merges their pages by (DESIGN §5). */
export const positionsHeader = 'x-pollhook-positions'

/** The page as an answer. */
export function answerPage<T, J>(c: Context<HttpEnv>, page: Page<T>, json: (row: T) => J): Response {
  const body = pageJson(page, json)
  return c.json(
    c.req.header(positionsHeader) === undefined
      ? body
      : { ...body, positions: page.positions, start: page.start },
  )
}
