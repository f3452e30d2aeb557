/** The shapes of answers (CONTRACT §2): types for the representations and schemas for the document. */
import * as v from 'valibot'
import { stateReasons } from '../core/delivery.ts'
import { refusalCodes, transportErrorCodes } from '../core/outcome.ts'
import { type ProblemCode, problems } from './problem.ts'
import { deliveryStates, subscriptionStates } from './schemas.ts'

/** What a field is beside its type. */
const told = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description))

const time = v.pipe(v.string(), v.isoTimestamp(), v.examples(['2026-11-23T10:00:00.000Z']))
const timeOrNull = v.nullable(time)
const percent = told(
  v.nullable(v.number()),
  'As upstream says it, usually 0 to 100; null while it has said none.',
)
const status = v.nullable(told(v.string(), 'The word after `task.`; null before the first snapshot.'))
const seq = v.pipe(v.number(), v.integer())
const newestSeq = told(seq, '`seq` of the newest transition; 0 before the first.')
const changedAt = told(timeOrNull, 'When the newest transition was detected.')
const polledAt = told(timeOrNull, 'Null until the first poll after a start.')
const seqOrNull = told(
  v.nullable(seq),
  'Of the transition that it tells of; of `task.expired`, which is none, one more than the task’s last; null for `pollhook.test`.',
)

export const Subscription = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.examples(['sub_01000000000001abc'])),
    task_token: v.string(),
    callback_url: v.string(),
    status_url: told(v.nullable(v.string()), 'Where the task is polled; null: at the API host.'),
    events: v.array(v.string()),
    percent_step: v.number(),
    metadata: v.record(v.string(), v.string()),
    own_secret: told(v.boolean(), 'True when a `secret` of its own signs.'),
    state: told(
      v.picklist(subscriptionStates),
      '`active` and `paused` go on. `completed`: the task ended, however it went; `expired`: `expires_in` ran out; `cancelled`: by DELETE or a 410.',
    ),
    state_reason: told(
      v.nullable(v.picklist(['requested', 'gone'])),
      'Why it is `cancelled`: `requested` by DELETE, or `gone`, as the receiver answered 410.',
    ),
    task: v.object({ status, percent, seq: newestSeq, changed_at: changedAt, polled_at: polledAt }),
    created_at: time,
    expires_at: told(time, 'When watching ends with `task.expired`.'),
  }),
  v.metadata({ ref: 'Subscription' }),
)

export const Problem = v.pipe(
  v.object({
    type: v.literal('about:blank'),
    title: v.string(),
    status: v.number(),
    code: v.picklist(Object.keys(problems) as ProblemCode[]),
    detail: told(v.string(), 'What is wrong here and what to do about it.'),
    request_id: v.string(),
    errors: v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
    id: v.optional(told(v.string(), 'With `subscription_exists`: the subscription in the way.')),
  }),
  v.metadata({ ref: 'Problem' }),
)

export const BatchResults = v.pipe(
  v.object({
    results: told(
      v.array(
        v.union([
          v.object({ status: v.number(), subscription: Subscription }),
          v.object({ status: v.number(), problem: Problem }),
        ]),
      ),
      'In the order of the request.',
    ),
  }),
  v.metadata({ ref: 'BatchResults' }),
)

const taskEntries = {
  task_token: v.string(),
  status,
  percent,
  seq: newestSeq,
  changed_at: changedAt,
  polled_at: polledAt,
  ended_at: told(timeOrNull, 'When its end was detected, `task.lost` included; null while it goes on.'),
}

const TaskError = v.nullable(
  v.object({
    code: v.number(),
    description: told(
      v.nullable(v.string()),
      'In upstream’s words, of which the first 4,096 characters are kept.',
    ),
  }),
)

export const Task = v.pipe(v.object(taskEntries), v.metadata({ ref: 'Task' }))

export const TaskDetail = v.pipe(
  v.object({
    ...taskEntries,
    error: TaskError,
    result: told(
      v.nullable(v.record(v.string(), v.unknown())),
      'Upstream’s last status object, when the task has ended and it is at most 1 MiB.',
    ),
    transitions: told(
      v.array(v.object({ seq, type: v.string(), status, percent, at: time })),
      'Oldest first, the newest 10,000.',
    ),
  }),
  v.metadata({ ref: 'TaskDetail' }),
)

const deliveryEntries = {
  id: v.pipe(v.string(), v.examples(['dlv_01000000000001abc'])),
  webhook_id: told(v.string(), 'The `webhook-id` of every attempt.'),
  subscription_id: v.string(),
  task_token: v.string(),
  type: v.pipe(v.string(), v.examples(['task.encoding'])),
  seq: seqOrNull,
  state: told(
    v.picklist(deliveryStates),
    '`pending`: waits or is being sent; `delivered`: answered 2xx; `superseded`: progress that a newer event overtook; `exhausted`: given up; `cancelled`: with its subscription.',
  ),
  state_reason: told(
    v.nullable(v.picklist(stateReasons)),
    '`newer_event` of `superseded`; `attempts_exhausted` or `endpoint_unavailable` of `exhausted`; `requested` or `gone` of `cancelled`.',
  ),
  attempts: told(v.pipe(v.number(), v.integer()), 'Settled so far, those before a redelivery included.'),
  next_attempt_at: told(
    timeOrNull,
    'When the next attempt is planned: its turn, its endpoint or a pause may put it off, an endpoint that recovers or a redelivery brings it forward; null when none is to come.',
  ),
  created_at: time,
  finished_at: told(timeOrNull, 'When it came to its state; null while `pending`.'),
}

export const Delivery = v.pipe(v.object(deliveryEntries), v.metadata({ ref: 'Delivery' }))

const Attempt = v.object({
  attempt: v.pipe(v.number(), v.integer()),
  at: time,
  url: told(v.string(), 'Where it went: `callback_url` may have changed since.'),
  outcome: told(
    v.picklist(['accepted', 'rejected', 'unreachable', 'refused']),
    '`accepted`: a whole 2xx; `rejected`: any other status; `unreachable`: no answer in time, or a 2xx that broke off; `refused`: not sent, as the URL or its address is not allowed.',
  ),
  status_code: told(v.nullable(v.number()), 'Null where it is `unreachable` or `refused`.'),
  error_code: told(
    v.nullable(v.picklist([...transportErrorCodes, ...refusalCodes])),
    'Why it was `unreachable` or `refused`; else null.',
  ),
  duration_ms: v.number(),
  response_body: v.nullable(
    told(v.string(), 'The first 1,000 bytes of the answer; null where there was none, or nothing in it.'),
  ),
})

export const DeliveryDetail = v.pipe(
  v.object({
    ...deliveryEntries,
    callback_url: v.string(),
    payload: told(v.unknown(), 'The body of the webhook, as an object.'),
    attempt_log: told(v.array(Attempt), 'Oldest first, the newest 20.'),
  }),
  v.metadata({ ref: 'DeliveryDetail' }),
)

export const Endpoint = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.examples(['ep_c69dd425005be2382cf231c8'])),
    origin: v.pipe(v.string(), v.examples(['https://app.example.com'])),
    state: told(
      v.picklist(['healthy', 'failing']),
      '`failing` from the tenth failure in a row until any other answer: one delivery at a time is tried, the others wait.',
    ),
    failing_since: told(timeOrNull, 'The first failure of that row; null while `healthy`.'),
    last_success_at: told(timeOrNull, 'When it last answered 2xx; may be a minute old after a restart.'),
    backlog: told(
      v.pipe(v.number(), v.integer()),
      'Deliveries that wait. More than 10,000 are counted every 5 seconds at most.',
    ),
    oldest_waiting_at: told(timeOrNull, 'When the oldest delivery of the backlog was made.'),
    retry_after_until: told(timeOrNull, 'Until when its `Retry-After` holds; null when none does.'),
    paused: told(v.boolean(), 'Set by you: deliveries are made and held.'),
    max_concurrency: told(v.nullable(v.number()), 'Set by you; null: POLLHOOK_ENDPOINT_CONCURRENCY.'),
    max_per_second: told(v.nullable(v.number()), 'Set by you; null: no limit.'),
  }),
  v.metadata({ ref: 'Endpoint' }),
)

export const SigningSecrets = v.pipe(
  v.object({
    secrets: told(
      v.array(v.object({ secret: v.string(), expires_at: timeOrNull })),
      'Newest first; a receiver accepts any of them.',
    ),
  }),
  v.metadata({ ref: 'SigningSecrets' }),
)

export const Count = v.object({ count: v.pipe(v.number(), v.integer()) })

/** The body of every webhook and of every `data:` line of an event stream (CONTRACT §3). */
export const WebhookEvent = v.pipe(
  v.object({
    type: v.pipe(
      v.string(),
      v.description(
        '`task.` and the status that changed, `task.progress`, `task.stalled`, `task.resumed`, an end (`task.completed`, `task.failed`, `task.cancelled`, `task.lost`, `task.expired`), or `pollhook.test`.',
      ),
      v.examples(['task.encoding']),
    ),
    timestamp: told(time, 'When the change was detected.'),
    data: v.object({
      subscription_id: told(v.nullable(v.string()), 'Null in an event stream.'),
      task_token: v.string(),
      seq: seqOrNull,
      status,
      percent,
      previous: told(
        v.nullable(v.object({ status, percent })),
        'The task at `seq` − 1, whether you were told of it or not; null at the first, on the state told at registration and on `pollhook.test`.',
      ),
      metadata: told(
        v.record(v.string(), v.string()),
        'The subscription’s when the event was made: as registered, or as a PATCH changed it; `{}` in an event stream.',
      ),
      error: told(TaskError, 'Of `task.failed`; `code` is upstream’s number, 1 if it gave none.'),
      result: told(
        v.nullable(v.record(v.string(), v.unknown())),
        'Upstream’s status object on terminal events that have one of at most 256 KiB, nested at most a few thousand levels deep.',
      ),
      result_truncated: told(v.optional(v.literal(true)), 'There when the result is too large to be sent.'),
    }),
  }),
  v.metadata({ ref: 'WebhookEvent' }),
)

/** A page of a list. */
export function pageSchema<const S extends v.GenericSchema>(row: S) {
  return v.object({ data: v.array(row), next_cursor: v.nullable(v.string()) })
}
