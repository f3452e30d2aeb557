/** Why a delivery does not go out now: what holds it is a state of its subscription or its endpoint. */
import { html } from 'hono/html'
import {
  type Api,
  type DeliveryDetail,
  type Endpoint,
  type Listed,
  queryText,
  type Subscription,
} from './api.ts'
import type { Html } from './layout.ts'
import { time } from './parts.ts'

/** The most that the API lists at once; an endpoint beyond them is not told of. */
const endpointsMax = '200'

/** @returns a sentence, or null for a delivery that waits for its own time or for none */
export async function whyWaiting(api: Api, one: DeliveryDetail, now: number): Promise<Html | null> {
  if (one.state !== 'pending' || one.next_attempt_at === null) return null
  const isDue = Date.parse(one.next_attempt_at) <= now
  // A retry has its time by the schedule, or by what its endpoint asked for.
  if (!isDue) return askedToWait(await endpointOf(api, one), now)
  const [subscription, endpoint] = await Promise.all([
    api.get<Subscription>(`/v1/subscriptions/${encodeURIComponent(one.subscription_id)}`),
    endpointOf(api, one),
  ])
  if (subscription.state === 'paused') {
    const href = `/dashboard/tasks/${one.task_token}#${encodeURIComponent(one.subscription_id)}`
    return html`Its <a href="${href}">subscription</a> is paused.`
  }
  const pending = `/dashboard/deliveries${queryText({ subscription_id: one.subscription_id, state: 'pending' })}`
  return (
    heldBy(endpoint, one, now) ??
    html`It waits for its turn. See <a href="${pending}">all that is pending for its subscription</a>.`
  )
}

async function endpointOf(api: Api, { callback_url }: DeliveryDetail): Promise<Endpoint | undefined> {
  const { data } = await api.get<Listed<Endpoint>>('/v1/endpoints', { limit: endpointsMax })
  const origin = URL.parse(callback_url)?.origin
  return data.find((each) => each.origin === origin)
}

function askedToWait(endpoint: Endpoint | undefined, now: number): Html | null {
  const until = endpoint?.retry_after_until ?? null
  if (endpoint === undefined || until === null || Date.parse(until) <= now) return null
  return html`Its ${linkTo(endpoint)} asked to wait; that is over ${time(until, now)}.`
}

function linkTo({ id }: Endpoint): Html {
  return html`<a href="/dashboard/endpoints#${encodeURIComponent(id)}">endpoint</a>`
}

function heldBy(endpoint: Endpoint | undefined, { type }: DeliveryDetail, now: number): Html | null {
  if (endpoint === undefined) return null
  if (endpoint.paused) return html`Its ${linkTo(endpoint)} is paused.`
  const asked = askedToWait(endpoint, now)
  if (asked !== null) return asked
  // Tests go out past an open circuit (CONTRACT §3).
  if (endpoint.state === 'healthy' || type === 'pollhook.test') return null
  return html`Its ${linkTo(endpoint)} is failing: one delivery at a time is tried, and all go out once one is accepted.`
}
