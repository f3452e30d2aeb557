/**
 * What requests may contain (CONTRACT §2): each schema validates and is the OpenAPI document's source. URLs
 * are checked here for shape only; whether they are allowed is core/target's answer.
 */

import * as v from 'valibot'
import { overlapSecondsMax } from '../core/secret-numbers.ts'
import { parseSigningSecret } from '../core/signature.ts'
import { hasLongHost, urlCharactersMax } from '../core/target.ts'
import { taskTokenPattern } from '../core/task-token.ts'
import { list, strictObject, text, textRecord } from './objects.ts'
import { fitsUtf8 } from './text.ts'

export const subscriptionsPerBatchMax = 1000
const metadataBytesMax = 2048
const overlapSecondsDefault = 86_400

export const subscriptionStates = ['active', 'paused', 'completed', 'expired', 'cancelled'] as const
export const deliveryStates = ['pending', 'delivered', 'superseded', 'exhausted', 'cancelled'] as const

const taskToken = v.pipe(
  v.string(),
  v.regex(taskTokenPattern, 'must be 32 characters of 0-9 and a-f, as create_task answered it'),
  v.description('The task token as Qencode’s `create_task` answered it.'),
  v.examples(['471272a512d76c22665db9dcee893409']),
)

const urlText = v.pipe(
  text({ max: urlCharactersMax, message: `must have at most ${urlCharactersMax} characters` }),
  urlShape(),
)

/** What `core/target.ts` would not parse is not parsed here either. */
function urlShape(): v.UrlAction<string, string> {
  return {
    ...v.url('must be an absolute URL'),
    requirement: (raw) => hasLongHost(raw) || URL.canParse(raw),
  }
}

const callbackUrl = v.pipe(
  urlText,
  v.description(
    'Where webhooks are posted. https, no user name or password, no fragment, not a private, loopback or reserved address; the configuration may widen this.',
  ),
  v.examples(['https://app.example.com/hooks/transcode?job=7']),
)

const statusUrl = v.pipe(
  urlText,
  v.description(
    'Where upstream answers for this task, as `start_encode2` gave it. https, path `/v1/status`, a host that the configuration allows. It belongs to the task: the last one given wins.',
  ),
  v.examples(['https://master-1.qencode.com/v1/status']),
)

const events = v.pipe(
  list(
    v.pipe(
      v.string(),
      v.regex(
        /^(\*|task\.\*|task\.[a-z][a-z0-9_]{0,31}|pollhook\.test)$/,
        'must be "*", "task.*" or an event type such as "task.completed"',
      ),
    ),
    { max: 20, message: 'must have at most 20 patterns; use "task.*" or "*"' },
  ),
  v.minLength(1, 'must have at least one pattern; leave the field out for all events'),
  v.description(
    'Event types to be told about, or the patterns `task.*` and `*`. Upstream may add statuses, so a `task.` type that Pollhook does not know is accepted; a misspelt one never matches.',
  ),
  v.examples([['task.*']]),
)

const percentStep = v.pipe(
  v.number(),
  v.minValue(0.1, 'must be at least 0.1'),
  v.maxValue(100, 'must be at most 100'),
  v.description('`task.progress` is sent when the percent crosses a multiple of this.'),
  v.examples([1]),
)

const metadata = v.pipe(
  textRecord({ max: 16, message: 'must have at most 16 entries' }),
  v.check(
    (entries) => fitsUtf8(Object.entries(entries).flat(), metadataBytesMax),
    `must have at most ${metadataBytesMax} bytes, names and values together`,
  ),
  v.description(
    'Up to 16 string values, 2 KiB in all, echoed in every webhook. The names `__proto__`, `constructor` and `prototype` are refused.',
  ),
  v.examples([{ job: '7' }]),
)

const secret = v.pipe(
  v.string(),
  v.check(
    (text) => parseSigningSecret(text) !== null,
    'must be "whsec_" and the padded base64 of 24 to 64 bytes',
  ),
  v.description(
    'Signs this subscription’s webhooks instead of the owner’s signing secret. `whsec_` and the base64 of 24 to 64 bytes; write-only.',
  ),
)

/** @param watchMaxMs POLLHOOK_WATCH_MAX */
function expiresIn(watchMaxMs: number) {
  const secondsMax = Math.floor(watchMaxMs / 1000)
  return v.pipe(
    v.number(),
    v.integer('must be a whole number of seconds'),
    v.minValue(1, 'must be at least 1 second'),
    v.maxValue(secondsMax, `must be at most ${secondsMax} seconds on this Pollhook (POLLHOOK_WATCH_MAX)`),
    v.description('Seconds until Pollhook stops watching and sends `task.expired`.'),
    v.examples([86_400]),
  )
}

/** @param watchMaxMs POLLHOOK_WATCH_MAX, the largest `expires_in` */
export function registrationSchema(watchMaxMs: number) {
  return v.pipe(
    strictObject({
      task_token: taskToken,
      callback_url: callbackUrl,
      status_url: v.nullish(statusUrl),
      events: v.optional(events, ['*']),
      percent_step: v.optional(percentStep, 1),
      metadata: v.optional(metadata, {}),
      secret: v.nullish(secret),
      expires_in: v.optional(expiresIn(watchMaxMs)),
    }),
    v.metadata({ ref: 'Registration' }),
  )
}

export type Registration = v.InferOutput<ReturnType<typeof registrationSchema>>

/** Items are checked one by one, by `registrationSchema`: each stands alone. */
export const batchSchema = strictObject({
  subscriptions: list(v.unknown(), {
    max: subscriptionsPerBatchMax,
    message: `must have at most ${subscriptionsPerBatchMax} registrations; send the rest in another call`,
  }),
})

/** What the document says of a batch; `batchSchema` is its lenient twin. */
export function batchDocumentSchema(watchMaxMs: number) {
  return v.pipe(
    strictObject({
      subscriptions: v.pipe(v.array(registrationSchema(watchMaxMs)), v.maxLength(subscriptionsPerBatchMax)),
    }),
    v.metadata({ ref: 'RegistrationBatch' }),
  )
}

/** @param watchMaxMs POLLHOOK_WATCH_MAX, the largest `expires_in` */
export function changeSchema(watchMaxMs: number) {
  return v.pipe(
    strictObject({
      events: v.optional(events),
      percent_step: v.optional(percentStep),
      metadata: v.optional(metadata),
      callback_url: v.optional(callbackUrl),
      secret: v.pipe(
        v.optional(v.nullable(secret)),
        v.description('`null` goes back to the owner’s signing secret.'),
      ),
      status_url: v.nullish(statusUrl),
      expires_in: v.optional(expiresIn(watchMaxMs)),
      state: v.optional(v.picklist(['active', 'paused'], 'must be "active" or "paused"; DELETE cancels')),
    }),
    v.metadata({ ref: 'SubscriptionChange' }),
  )
}

export type SubscriptionChange = v.InferOutput<ReturnType<typeof changeSchema>>

/** `Date.parse` alone makes 31 February the 3rd of March. */
function isOfCalendar(text: string): boolean {
  const day = text.slice(0, 10)
  const midnight = Date.parse(day)
  const isTime = Number.isFinite(midnight) && Number.isFinite(Date.parse(text))
  return isTime && new Date(midnight).toISOString().startsWith(day)
}

const time = v.pipe(
  v.string(),
  v.isoTimestamp('must be an ISO 8601 time with a zone, such as 2026-11-23T10:00:00.000Z'),
  v.check(isOfCalendar, 'must be a time that exists'),
  v.examples(['2026-11-23T10:00:00.000Z']),
)

export const redeliverSchema = v.pipe(
  strictObject({
    state: v.literal('exhausted', 'must be "exhausted"'),
    since: v.optional(v.pipe(time, v.description('Only deliveries created at or after this time.'))),
    until: v.optional(v.pipe(time, v.description('Only deliveries created at or before this time.'))),
    subscription_id: v.optional(v.string()),
    endpoint: v.optional(v.pipe(v.string(), v.description('The id of an endpoint (`ep_…`).'))),
    dry_run: v.optional(v.pipe(v.boolean(), v.description('Only count.')), false),
  }),
  v.metadata({ ref: 'RedeliverFilter' }),
)

export const endpointChangeSchema = v.pipe(
  strictObject({
    paused: v.optional(v.pipe(v.boolean(), v.description('Deliveries are made and held.'))),
    max_concurrency: v.optional(
      v.nullable(
        v.pipe(
          v.number(),
          v.integer('must be a whole number, or null for the configured default'),
          v.minValue(1, 'must be at least 1; use paused to stop all attempts'),
          v.maxValue(10_000, 'must be at most 10000'),
          v.description(
            'Attempts in flight, at most POLLHOOK_ENDPOINT_CONCURRENCY whatever is set here; null for that many.',
          ),
        ),
      ),
    ),
    max_per_second: v.optional(
      v.nullable(
        v.pipe(
          v.number(),
          v.minValue(0.01, 'must be at least 0.01; use paused to stop all attempts'),
          v.maxValue(100_000, 'must be at most 100000'),
          v.description(
            'Attempts started per second; null for no limit. No second has more, also after a pause: what goes unused is not saved.',
          ),
        ),
      ),
    ),
  }),
  v.metadata({ ref: 'EndpointChange' }),
)

export const rotateSchema = v.pipe(
  strictObject({
    overlap: v.optional(
      v.pipe(
        v.number(),
        v.integer('must be a whole number of seconds'),
        v.minValue(0, 'must be at least 0'),
        v.maxValue(overlapSecondsMax, `must be at most ${overlapSecondsMax} seconds (7 days)`),
        v.description('Seconds for which the secret before this one signs as well.'),
      ),
      overlapSecondsDefault,
    ),
  }),
  v.metadata({ ref: 'SecretRotation' }),
)
