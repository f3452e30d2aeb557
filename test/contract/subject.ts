/** A running Pollhook as the contract suites see it, on whichever runtime: its API, and what it talks to. */
import { expect, vi } from 'vitest'

export interface Received {
  id: string
  type: string
  seq: number | null
  token: string
  subscriptionId: string
  url: string
  body: string
  headers: Record<string, string>
}

export interface Reply {
  status: number
  headers?: Record<string, string>
}

export interface Script {
  /** What upstream says of a token; `asked` counts from 1. */
  statusOf(token: string, asked: number): Record<string, unknown> | null
  /** How a receiver answers. */
  reply(webhook: Received): Reply
}

/** Upstream's answers to status calls, by a script that is told how often each token was asked for. */
export function statusAnswers(script: Pick<Script, 'statusOf'>) {
  const asked = new Map<string, number>()
  return (body: string): { tokens: string[]; answer: object } => {
    const form = new URLSearchParams(body)
    const tokens = [...form.getAll('task_tokens[]'), ...form.getAll('task_tokens')]
    const statuses = tokens.map((token) => {
      const times = (asked.get(token) ?? 0) + 1
      asked.set(token, times)
      return [token, script.statusOf(token, times)]
    })
    return { tokens, answer: { error: 0, statuses: Object.fromEntries(statuses) } }
  }
}

export interface Subject {
  /** Replaced freely by tests. */
  script: Script
  received: Received[]
  keys: { acme: string; other: string }
  call(method: string, path: string, body?: unknown, key?: string): Promise<Response>
  callbackUrl(path: string): string
  /** Ends it as hard as the runtime allows, and brings it back as the runtime would. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Vars that every subject runs with. */
export const subjectVars = {
  POLLHOOK_POLL_INTERVAL: '20ms',
  POLLHOOK_POLL_INTERVAL_MAX: '40ms',
  POLLHOOK_RETRY_SCHEDULE: '20ms,20ms,20ms',
  POLLHOOK_RETRY_SCHEDULE_INTERIM: '10ms,10ms',
  LOG_LEVEL: 'error',
}

/** A task token that no other call of this gave. */
export function newToken(): string {
  return crypto.randomUUID().replaceAll('-', '')
}

export async function json<T = Record<string, unknown>>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T
}

/** Looks again until it holds; the test's own time limit ends it. */
export function until(condition: () => unknown): Promise<void> {
  return vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error(`still not: ${condition}`)
    },
    { timeout: 15_000, interval: 5 },
  )
}

export interface Subscription {
  id: string
  task_token: string
  state: string
  state_reason: string | null
}

export interface Delivery {
  id: string
  webhook_id: string
  type: string
  seq: number | null
  state: string
  state_reason: string | null
  attempts: number
  next_attempt_at: string | null
}

/** Registers a task of its own at a callback path of its own. */
export async function register(subject: Subject, more: Record<string, unknown> = {}): Promise<Subscription> {
  const token = newToken()
  const body = { task_token: token, callback_url: subject.callbackUrl(`/${token}`), ...more }
  const response = await subject.call('POST', '/v1/subscriptions', body)
  expect(response.status).toBe(201)
  return json<Subscription>(response)
}

/** Resolves when the task of this one, not of any other, has been polled a few times more. */
export async function polledOn({ script }: Subject, { task_token }: Subscription): Promise<void> {
  const { statusOf } = script
  let polls = 0
  script.statusOf = (token, asked) => {
    if (token === task_token) polls++
    return statusOf(token, asked)
  }
  await until(() => polls > 2)
  script.statusOf = statusOf
}

export function receivedBy(subject: Subject, { id }: { id: string }): Received[] {
  return subject.received.filter(({ subscriptionId }) => subscriptionId === id)
}

/** Newest first. */
export async function deliveriesOf(subject: Subject, { id }: { id: string }): Promise<Delivery[]> {
  const page = await json<{ data: Delivery[] }>(
    subject.call('GET', `/v1/deliveries?limit=200&subscription_id=${id}`),
  )
  return page.data
}

export interface Endpoint {
  id: string
  origin: string
  state: string
  retry_after_until: string | null
}

/** The endpoint that the subject's callbacks go to. */
export async function endpointOf(subject: Subject): Promise<Endpoint | undefined> {
  const page = await json<{ data: Endpoint[] }>(subject.call('GET', '/v1/endpoints?limit=200'))
  const { origin } = new URL(subject.callbackUrl('/'))
  return page.data.find((endpoint) => endpoint.origin === origin)
}
