/**
 * For programs that use Pollhook: a typed client of its REST API, and what a receiver of webhooks needs. Runs in
 * Node, browsers and Workers; knows nothing of the relay but the types made from its OpenAPI document.
 */
import createClient, { type Client, type Middleware } from 'openapi-fetch'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import type { components, paths } from './schema.ts'

export { WebhookVerificationError }

type Schemas = components['schemas']
export type Subscription = Schemas['Subscription']
export type Registration = Schemas['Registration']
export type Delivery = Schemas['Delivery']
export type Task = Schemas['Task']
export type Endpoint = Schemas['Endpoint']
/** Every error answer (RFC 9457); `code` tells them apart. */
export type Problem = Schemas['Problem']
export type PollhookClient = Client<paths>

export interface ClientOptions {
  /** Where the relay listens, e.g. `https://pollhook.example.com`. */
  baseUrl: string
  /** An API key. */
  key: string
  /** Instead of the global one: for proxies, service bindings and tests. */
  fetch?: (request: Request) => Promise<Response>
}

/**
 * `client.GET('/v1/subscriptions', { params: { query: { limit: 10 } } })` and so on, with paths, parameters,
 * bodies and answers typed. A call answers `{ data }` or `{ error }`, a `Problem`; it rejects only when no answer of
 * a relay came. What is no JSON is asked for with `parseAs`: metrics as `text`, an event stream as `stream`.
 * @throws without a key, as an environment variable that is not set would else show as a 401 of every call, and for what no
 *   header can carry: the words in which a header is refused have all of it
 */
export function createPollhookClient({ baseUrl, key, fetch }: ClientOptions): PollhookClient {
  if (typeof key !== 'string' || key.trim() === '') {
    throw new Error('createPollhookClient needs an API key: `key` is empty, is POLLHOOK_KEY set?')
  }
  if (!/^[\x21-\x7e]+$/.test(key.trim())) {
    throw new Error('createPollhookClient: `key` has a space, a line feed or a character other than ASCII')
  }
  const client = createClient<paths>({
    baseUrl,
    headers: { authorization: `Bearer ${key}` },
    // A POST that is redirected arrives as a GET: the list would pass for what was registered.
    redirect: 'manual',
    ...(fetch !== undefined && { fetch }),
  })
  client.use(refuseStrangers)
  return client
}

/**
 * A proxy's 502 has no problem in it, often no body at all, as the 200 of another host: then `error` would be empty, and a
 * registration that was never made would look like one.
 */
const refuseStrangers: Middleware = {
  async onResponse({ request, response, schemaPath, options }) {
    const type = response.headers.get('content-type') ?? ''
    const ours = response.ok
      ? /^(application\/json|text\/(event-stream|plain))/
      : /^application\/problem\+json/
    if (response.status === 204 || ours.test(type)) return
    await response.body?.cancel()
    const location = response.headers.get('location')
    const redirect = location === null ? '' : `, a redirect to ${location}`
    // The path of the document: the call's own may have a task token in it.
    throw new Error(
      `${options.baseUrl} answered ${request.method} ${schemaPath} with ${response.status}${redirect}, not as Pollhook does: is \`baseUrl\` right?`,
    )
  },
}

type Payload = Schemas['WebhookEvent']['data']
type TaskError = NonNullable<Payload['error']>

interface EventOf<Type extends string, Data = unknown> {
  type: Type
  /** When the change was detected, ISO 8601. */
  timestamp: string
  data: Omit<Payload, keyof Data> & Data
}

type InterimType =
  | `task.${'created' | 'new' | 'started' | 'downloading' | 'queued' | 'encoding' | 'processing' | 'saving'}`
  | 'task.unknown'
  | 'task.progress'
  | 'task.stalled'
  | 'task.resumed'

/**
 * One that `type` narrows. Upstream's set of statuses is open: a `task.<status>` that is not listed here may come
 * too, so let a `switch` have a `default`.
 */
export type WebhookEvent =
  | EventOf<InterimType, { seq: number; error: null; result: null }>
  | EventOf<'task.completed', { seq: number; status: string; error: null }>
  | EventOf<'task.failed', { seq: number; status: string; error: TaskError }>
  | EventOf<'task.cancelled' | 'task.lost' | 'task.expired', { seq: number; error: null }>
  | EventOf<'pollhook.test', { seq: null; error: null; result: null }>

/**
 * The event of a webhook that is genuine and at most five minutes old (Standard Webhooks, "Verifying").
 * @param payload the body exactly as it came: text, never parsed and serialised again
 * @param headers of the request: what `fetch` calls Headers, or a record as node:http and frameworks have it
 * @param secret `whsec_…`, or several while one is being rotated out
 * @throws WebhookVerificationError when none verifies it; another Error where none of the secrets is one
 */
export function verify(
  payload: string,
  headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>,
  secret: string | readonly string[],
): WebhookEvent {
  const plain = plainHeaders(headers instanceof Headers ? [...headers.entries()] : Object.entries(headers))
  const secrets = typeof secret === 'string' ? [secret] : secret
  let failure: unknown = new Error('verify needs a secret')
  for (const one of secrets) {
    try {
      return new Webhook(one).verify(payload, plain) as WebhookEvent
    } catch (error) {
      // That another of the secrets is malformed says less.
      if (!(failure instanceof WebhookVerificationError)) failure = error
    }
  }
  throw failure
}

/** Of a header that came several times all values: signatures stand side by side, separated by spaces. */
function plainHeaders(
  entries: readonly [string, string | readonly string[] | undefined][],
): Record<string, string> {
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      if (value === undefined) return []
      return [[name, typeof value === 'string' ? value : value.join(' ')]]
    }),
  )
}
