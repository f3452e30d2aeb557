/** One subscription as a card on its task's page, and what can be done with it: test, pause, resume, cancel. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { isOpen } from '../core/subscription.ts'
import { throwable } from '../http/problem.ts'
import { type Answer, type Delivery, queryText, type Subscription } from './api.ts'
import { deliveryTable } from './delivery-table.ts'
import type { DashboardEnv } from './deps.ts'
import type { Html } from './layout.ts'
import { facts, pill, time } from './parts.ts'

export interface Watched {
  subscription: Subscription
  /** The newest ones. */
  deliveries: Delivery[]
  more: boolean
}

/** Why a subscription was cancelled, in words. */
const reasons: Readonly<Record<string, string>> = {
  requested: 'Cancelled on request',
  gone: 'The receiver answered 410 Gone',
}

export function subscriptionRoutes(): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.post('/subscriptions/:id/test', async (c) => {
    const queued = granted(await c.get('api').send<Delivery>('POST', `${apiPath(c)}/test`))
    return c.redirect(`/dashboard/deliveries/${encodeURIComponent(queued.id)}?done=tested`, 303)
  })
  app.post('/subscriptions/:id/pause', async (c) => {
    const answer = await c.get('api').send<Subscription>('PATCH', apiPath(c), { state: 'paused' })
    return backToTask(c, granted(answer), 'paused')
  })
  app.post('/subscriptions/:id/resume', async (c) => {
    const answer = await c.get('api').send<Subscription>('PATCH', apiPath(c), { state: 'active' })
    return backToTask(c, granted(answer), 'resumed')
  })
  app.post('/subscriptions/:id/cancel', async (c) => {
    const subscription = await c.get('api').get<Subscription>(apiPath(c))
    granted(await c.get('api').send('DELETE', apiPath(c)))
    return backToTask(c, subscription, 'cancelled')
  })
  return app
}

function apiPath(c: Context<DashboardEnv>): string {
  return `/v1/subscriptions/${encodeURIComponent(c.req.param('id') ?? '')}`
}

/** @throws what the API answered instead, as a problem */
function granted<T>(answer: Answer<T>): T {
  if (!answer.ok) throw throwable(answer.refusal)
  return answer.body
}

/** To the page of the list that the form stood in. */
function backToTask(c: Context<DashboardEnv>, { id, task_token }: Subscription, done: string) {
  const query = queryText({ done, cursor: c.req.query('cursor') })
  return c.redirect(`/dashboard/tasks/${task_token}${query}#${encodeURIComponent(id)}`, 303)
}

/** @param cursor of the page that it stands on */
export function subscriptionCard(
  { subscription, deliveries, more }: Watched,
  { now, cursor }: { now: number; cursor: string | undefined },
): Html {
  const { id, state, state_reason: reason } = subscription
  const metadata = Object.entries(subscription.metadata)
  return html`<article class="card" id="${id}" aria-labelledby="${id}-name">
    <div class="head"><h3 class="mono" id="${id}-name">${subscription.callback_url}</h3>${statePill(state)}</div>
    ${facts([
      ['Id', html`<span class="mono">${id}</span>`],
      ['Events', subscription.events.join(', ')],
      ['Step', `${subscription.percent_step} %`],
      ...(isOpen(state) ? [['Expires', time(subscription.expires_at, now)] as const] : []),
      ...(reason === null ? [] : [['Why it ended', reasons[reason] ?? reason] as const]),
      ...(metadata.length > 0 ? [['Metadata', pairs(metadata)] as const] : []),
    ])}
    ${deliveries.length === 0 ? html`<p class="muted">Nothing was sent yet.</p>` : deliveryTable(deliveries, { now, task: false, isPaused: state === 'paused' })}
    ${more && html`<p><a href="/dashboard/deliveries?subscription_id=${encodeURIComponent(id)}">All deliveries of this subscription</a></p>`}
    ${actions(subscription, cursor)}
  </article>`
}

/** It completes when its task ends, however that went: green would say that it went well. */
function statePill(state: Subscription['state']): Html {
  return state === 'completed' ? pill(state, 'off') : pill(state)
}

/** One a line, as values may have commas; each by itself, as they may turn the direction of writing. */
function pairs(metadata: readonly (readonly [string, string])[]): Html {
  return html`<ul class="pairs">${metadata.map(([name, value]) => html`<li><bdi>${name}=${value}</bdi></li>`)}</ul>`
}

/** A test goes to whatever is not cancelled; the rest needs one that goes on. */
function actions({ id, state }: Subscription, cursor: string | undefined): Html {
  if (state === 'cancelled') return html``
  const form = (name: string, label: string, note: Html | '' = '') =>
    html`<form method="post" action="/dashboard/subscriptions/${encodeURIComponent(id)}/${name}${queryText({ cursor })}">
      ${note}<button class="button" type="submit" aria-describedby="${id}-name">${label}</button></form>`
  return html`<div class="actions">${form('test', 'Send a test event')}
    ${isOpen(state) && (state === 'paused' ? form('resume', 'Resume') : form('pause', 'Pause'))}</div>
    ${
      isOpen(state) &&
      html`<details><summary>Cancel</summary>${form(
        'cancel',
        'Cancel this subscription',
        html`<p class="muted">What waits for it is cancelled as well. It cannot be taken back.</p>`,
      )}</details>`
    }`
}
