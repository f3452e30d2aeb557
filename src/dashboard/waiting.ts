/** Why a delivery that is due does not go out: what holds it is a state of its subscription or its endpoint. */
import { html } from 'hono/html'
import type * as v from 'valibot'
import type * as answers from '../http/answers.ts'
import type { Api } from './api.ts'
import type { Html } from './layout.ts'
import { time } from './parts.ts'
import type { Subscription } from './subscriptions.ts'

type Delivery = v.InferOutput<typeof answers.DeliveryDetail>
type Endpoint = v.InferOutput<typeof answers.Endpoint>

/** The most that the API lists at once; an endpoint beyond them is not told of. */
const endpointsMax = '200'

/** @returns a sentence, or null for a delivery that waits for its own time or for none */
export async function whyWaiting(api: Api, one: Delivery, now: number): Promise<Html | null> {
  const isDue = one.next_attempt_at !== null && Date.parse(one.next_attempt_at) <= now
  if (one.state !== 'pending' || !isDue) return null
  const [subscription, endpoints] = await Promise.all([
    api.get<Subscription>(`/v1/subscriptions/${encodeURIComponent(one.subscription_id)}`),
    api.get<{ data: Endpoint[] }>('/v1/endpoints', { limit: endpointsMax }),
  ])
  if (subscription.state === 'paused') {
    const href = `/dashboard/tasks/${one.task_token}#${encodeURIComponent(one.subscription_id)}`
    return html`Its <a href="${href}">subscription</a> is paused.`
  }
  const origin = URL.parse(one.callback_url)?.origin
  const endpoint = endpoints.data.find((each) => each.origin === origin)
  return heldBy(endpoint, one, now) ?? html`It waits for its turn.`
}

function heldBy(endpoint: Endpoint | undefined, { type }: Delivery, now: number): Html | null {
  if (endpoint === undefined) return null
  const link = html`<a href="/dashboard/endpoints#${encodeURIComponent(endpoint.id)}">endpoint</a>`
  if (endpoint.paused) return html`Its ${link} is paused.`
  const until = endpoint.retry_after_until
  if (until !== null && Date.parse(until) > now) {
    return html`Its ${link} asked to wait; that is over ${time(until, now)}.`
  }
  // Tests go out past an open circuit (CONTRACT §3).
  if (endpoint.state === 'healthy' || type === 'pollhook.test') return null
  return html`Its ${link} is failing: one delivery at a time is tried, and all go out once one is accepted.`
}
