/** What is left in the database when a simulation has come to rest. */
import type { Connection } from './database.ts'

export interface DeliveryRow {
  id: number
  subscriptionId: number
  endpointId: number
  rank: number
  webhookId: string
  type: string
  seq: number | null
  state: string
  reason: string | null
  attempts: number
  scheduleFrom: number
  createdAt: number
  finishedAt: number | null
  attemptLog: { outcome: string; statusCode: number | null; errorCode: string | null }[]
}

export interface SubscriptionRow {
  id: number
  token: string
  callbackUrl: string
  endState: string | null
  reason: string | null
  endedAt: number | null
  events: string[]
  paused: number
}

export interface TaskRow {
  token: string
  end: string | null
  polling: number
  lastSeq: number
}

export interface Remains {
  deliveries: DeliveryRow[]
  subscriptions: SubscriptionRow[]
  tasks: TaskRow[]
  endpoints: { id: number; ownerId: number; origin: string }[]
  transitions: { token: string; seq: number; type: string }[]
}

export function readRemains(sqlite: Connection): Remains {
  const all = <T>(sql: string) => sqlite.prepare(sql).all() as T[]
  return {
    deliveries: all<DeliveryRow & { log: string }>(
      `select id, subscription_id as subscriptionId, endpoint_id as endpointId, rank, webhook_id as webhookId, type,
         seq, state, state_reason as reason, attempts, schedule_from as scheduleFrom, created_at as createdAt,
         finished_at as finishedAt, attempt_log as log from deliveries order by id`,
    ).map((row) => ({ ...row, attemptLog: JSON.parse(row.log) as DeliveryRow['attemptLog'] })),
    subscriptions: all<Omit<SubscriptionRow, 'events'> & { events: string }>(
      `select id, task_token as token, callback_url as callbackUrl, end_state as endState, state_reason as reason,
         ended_at as endedAt, events, paused from subscriptions order by id`,
    ).map((row) => ({ ...row, events: JSON.parse(row.events) as string[] })),
    tasks: all(
      `select token, end, polling, coalesce((select max(seq) from transitions where task_token = token), 0) as lastSeq
         from tasks order by token`,
    ),
    endpoints: all('select id, owner_id as ownerId, origin from endpoints order by id'),
    transitions: all('select task_token as token, seq, type from transitions order by task_token, seq'),
  }
}
