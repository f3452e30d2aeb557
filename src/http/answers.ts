/** The shapes of answers (CONTRACT §2): types for the representations and schemas for the document. */
import * as v from 'valibot'
import { stateReasons } from '../core/delivery.ts'
import { refusalCodes, transportErrorCodes } from '../core/outcome.ts'
import { type ProblemCode, problems } from './problem.ts'
import { deliveryStates, subscriptionStates } from './schemas.ts'

const time = v.pipe(v.string(), v.isoTimestamp(), v.examples(['2026-11-23T10:00:00.000Z']))
const timeOrNull = v.nullable(time)
const percent = v.nullable(v.number())
const status = v.nullable(
  v.pipe(v.string(), v.description('The word after `task.`; null before the first snapshot.')),
)
const seq = v.pipe(v.number(), v.integer())

export const Subscription = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.examples(['sub_01000000000001abc'])),
    task_token: v.string(),
    callback_url: v.string(),
    status_url: v.nullable(v.string()),
    events: v.array(v.string()),
    percent_step: v.number(),
    metadata: v.record(v.string(), v.string()),
    own_secret: v.pipe(v.boolean(), v.description('True when a `secret` of its own signs.')),
    state: v.picklist(subscriptionStates),
    state_reason: v.nullable(v.picklist(['requested', 'gone'])),
    task: v.object({ status, percent, seq, changed_at: timeOrNull, polled_at: timeOrNull }),
    created_at: time,
    expires_at: time,
  }),
  v.metadata({ ref: 'Subscription' }),
)

export const Problem = v.pipe(
  v.object({
    type: v.literal('about:blank'),
    title: v.string(),
    status: v.number(),
    code: v.picklist(Object.keys(problems) as ProblemCode[]),
    detail: v.pipe(v.string(), v.description('What is wrong here and what to do about it.')),
    request_id: v.string(),
    errors: v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
    id: v.optional(
      v.pipe(v.string(), v.description('With `subscription_exists`: the subscription in the way.')),
    ),
  }),
  v.metadata({ ref: 'Problem' }),
)

export const BatchResults = v.pipe(
  v.object({
    results: v.pipe(
      v.array(
        v.union([
          v.object({ status: v.number(), subscription: Subscription }),
          v.object({ status: v.number(), problem: Problem }),
        ]),
      ),
      v.description('In the order of the request.'),
    ),
  }),
  v.metadata({ ref: 'BatchResults' }),
)

const taskEntries = {
  task_token: v.string(),
  status,
  percent,
  seq,
  changed_at: timeOrNull,
  polled_at: v.pipe(timeOrNull, v.description('Null until the first poll after a start.')),
  ended_at: timeOrNull,
}

const TaskError = v.nullable(v.object({ code: v.number(), description: v.nullable(v.string()) }))

export const Task = v.pipe(v.object(taskEntries), v.metadata({ ref: 'Task' }))

export const TaskDetail = v.pipe(
  v.object({
    ...taskEntries,
    error: TaskError,
    result: v.pipe(
      v.nullable(v.record(v.string(), v.unknown())),
      v.description('Upstream’s last status object, when the task has ended and it is at most 1 MiB.'),
    ),
    transitions: v.pipe(
      v.array(v.object({ seq, type: v.string(), status, percent, at: time })),
      v.description('Oldest first, the newest 10,000.'),
    ),
  }),
  v.metadata({ ref: 'TaskDetail' }),
)

const deliveryEntries = {
  id: v.pipe(v.string(), v.examples(['dlv_01000000000001abc'])),
  webhook_id: v.pipe(v.string(), v.description('The `webhook-id` of every attempt.')),
  subscription_id: v.string(),
  task_token: v.string(),
  type: v.pipe(v.string(), v.examples(['task.encoding'])),
  seq: v.nullable(seq),
  state: v.picklist(deliveryStates),
  state_reason: v.nullable(v.picklist(stateReasons)),
  attempts: v.pipe(v.number(), v.integer()),
  next_attempt_at: timeOrNull,
  created_at: time,
  finished_at: timeOrNull,
}

export const Delivery = v.pipe(v.object(deliveryEntries), v.metadata({ ref: 'Delivery' }))

const Attempt = v.object({
  attempt: v.pipe(v.number(), v.integer()),
  at: time,
  url: v.string(),
  outcome: v.picklist(['accepted', 'rejected', 'unreachable', 'refused']),
  status_code: v.nullable(v.number()),
  error_code: v.nullable(v.picklist([...transportErrorCodes, ...refusalCodes])),
  duration_ms: v.number(),
  response_body: v.nullable(
    v.pipe(v.string(), v.description('The first 1,000 bytes of a rejecting answer.')),
  ),
})

export const DeliveryDetail = v.pipe(
  v.object({
    ...deliveryEntries,
    callback_url: v.string(),
    payload: v.pipe(v.unknown(), v.description('The body of the webhook, as an object.')),
    attempt_log: v.pipe(v.array(Attempt), v.description('Oldest first, the newest 20.')),
  }),
  v.metadata({ ref: 'DeliveryDetail' }),
)

export const Endpoint = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.examples(['ep_4f1d2c'])),
    origin: v.pipe(v.string(), v.examples(['https://app.example.com'])),
    state: v.picklist(['healthy', 'failing']),
    failing_since: timeOrNull,
    last_success_at: timeOrNull,
    backlog: v.pipe(
      v.number(),
      v.integer(),
      v.description('Deliveries that wait. More than 10,000 are counted every 5 seconds at most.'),
    ),
    oldest_waiting_at: timeOrNull,
    retry_after_until: timeOrNull,
    paused: v.boolean(),
    max_concurrency: v.nullable(v.number()),
    max_per_second: v.nullable(v.number()),
  }),
  v.metadata({ ref: 'Endpoint' }),
)

export const SigningSecrets = v.pipe(
  v.object({
    secrets: v.pipe(
      v.array(v.object({ secret: v.string(), expires_at: timeOrNull })),
      v.description('Newest first; a receiver accepts any of them.'),
    ),
  }),
  v.metadata({ ref: 'SigningSecrets' }),
)

export const Count = v.object({ count: v.pipe(v.number(), v.integer()) })

/** The body of every webhook and of every `data:` line of an event stream (CONTRACT §3). */
export const WebhookEvent = v.pipe(
  v.object({
    type: v.pipe(v.string(), v.examples(['task.encoding'])),
    timestamp: v.pipe(time, v.description('When the change was detected.')),
    data: v.object({
      subscription_id: v.pipe(v.nullable(v.string()), v.description('Null in an event stream.')),
      task_token: v.string(),
      seq: v.nullable(seq),
      status,
      percent,
      previous: v.nullable(v.object({ status, percent })),
      metadata: v.record(v.string(), v.string()),
      error: TaskError,
      result: v.pipe(
        v.nullable(v.record(v.string(), v.unknown())),
        v.description(
          'Upstream’s status object on terminal events that have one of at most 256 KiB, nested at most a few thousand levels deep.',
        ),
      ),
      result_truncated: v.optional(v.literal(true)),
    }),
  }),
  v.metadata({ ref: 'WebhookEvent' }),
)

/** A page of a list. */
export function pageSchema<const S extends v.GenericSchema>(row: S) {
  return v.object({ data: v.array(row), next_cursor: v.nullable(v.string()) })
}
