/** The list of deliveries, and one with its attempts, the receiver's answers, its payload, and sending it again. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { problems } from '../http/problem.ts'
import { deliveryStates } from '../http/schemas.ts'
import { type Delivery, type DeliveryDetail, queryText } from './api.ts'
import { deliveryTable } from './delivery-table.ts'
import type { DashboardDeps, DashboardEnv } from './deps.ts'
import { type Html, live, type Notice, page } from './layout.ts'
import { noticeOf } from './notices.ts'
import {
  duration,
  empty,
  exactTime,
  facts,
  jsonBlock,
  nextAttempt,
  pager,
  pill,
  tabs,
  textBlock,
  tokenLink,
} from './parts.ts'
import { readOn } from './read-on.ts'
import { whyWaiting } from './waiting.ts'

const types = [
  ...['created', 'new', 'started', 'downloading', 'queued', 'encoding', 'processing', 'saving', 'progress'],
  ...['completed', 'failed', 'cancelled', 'lost', 'expired', 'stalled', 'resumed', 'unknown'],
]
  .map((word) => `task.${word}`)
  .concat('pollhook.test')

const path = '/dashboard/deliveries'

export function deliveryRoutes(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/deliveries', async (c) => {
    const { state, type, subscription_id, cursor } = c.req.query()
    const query = { state, type, subscription_id, cursor }
    const { rows, next } = await readOn<Delivery>(c.get('api'), '/v1/deliveries', query)
    const filtered = Boolean(state || type || subscription_id)
    return c.html(
      page({
        title: 'Deliveries',
        place: 'deliveries',
        owner: c.get('owner').name,
        heading: 'Deliveries',
        main: html`<div class="toolbar">${stateTabs(query)}${typeForm(query)}</div>
          ${subscription_id && html`<p>Of subscription <code>${subscription_id}</code> · <a href="${path}">all subscriptions</a></p>`}
          ${live(
            html`${rows.length > 0 ? table(rows, deps.now()) : nothing(filtered, next !== null)} ${pager(path, query, next)}`,
            { everyMs: 3_000 },
          )}`,
      }),
    )
  })
  app.get('/deliveries/:id', (c) => showOne(c, deps, noticeOf(c.req.query('done'))))
  // What a refusal was answered under: to be loaded again, and for the live part to look at.
  app.get('/deliveries/:id/redeliver', (c) =>
    c.redirect(`${path}/${encodeURIComponent(c.req.param('id'))}`, 303),
  )
  app.post('/deliveries/:id/redeliver', async (c) => {
    const id = encodeURIComponent(c.req.param('id'))
    const answer = await c.get('api').send('POST', `/v1/deliveries/${id}/redeliver`)
    if (answer.ok) return c.redirect(`${path}/${id}?done=redelivered`, 303)
    c.status(problems[answer.refusal.code].status)
    return showOne(c, deps, { kind: 'bad', text: answer.refusal.detail })
  })
  return app
}

type Query = Readonly<Record<'state' | 'type' | 'subscription_id' | 'cursor', string | undefined>>

function stateTabs({ state, type, subscription_id }: Query): Html {
  return tabs(
    'Filter by state',
    ['', ...deliveryStates].map((one) => ({
      label: one === '' ? 'All' : one[0]!.toUpperCase() + one.slice(1),
      href: `${path}${queryText({ state: one, type, subscription_id })}`,
      current: one === (state ?? ''),
    })),
  )
}

function typeForm({ state, type, subscription_id }: Query): Html {
  const known = type && !types.includes(type) ? [type, ...types] : types
  return html`<form class="search" method="get" action="${path}">
    ${state && html`<input type="hidden" name="state" value="${state}">`}
    ${subscription_id && html`<input type="hidden" name="subscription_id" value="${subscription_id}">`}
    <label class="hidden" for="type">Event type</label>
    <select id="type" name="type"><option value="">Every event type</option>${known.map(
      (one) => html`<option value="${one}"${one === type ? html` selected` : ''}>${one}</option>`,
    )}</select>
    <button class="button" type="submit">Filter</button>
  </form>`
}

function table(rows: readonly Delivery[], now: number): Html {
  return html`<div class="card">${deliveryTable(rows, { now, task: true })}</div>`
}

/** @param more whether older deliveries were not looked at yet */
function nothing(filtered: boolean, more: boolean): Html {
  if (more)
    return empty(
      'No delivery fits so far',
      html`Many newer ones were looked through; “Older” goes on from there.`,
    )
  if (filtered)
    return empty(
      'No delivery fits',
      html`<a href="${path}">Show all deliveries</a>, or choose another state or type.`,
    )
  return empty(
    'No deliveries yet',
    html`Each change of a task that you <a href="/dashboard/register">registered</a> becomes a delivery to its callback URL.`,
  )
}

async function showOne(c: Context<DashboardEnv>, deps: DashboardDeps, notice: Notice | undefined) {
  const id = c.req.param('id') ?? ''
  const one = await c.get('api').get<DeliveryDetail>(`/v1/deliveries/${encodeURIComponent(id)}`)
  const why = await whyWaiting(c.get('api'), one, deps.now())
  return c.html(
    page({
      title: `Delivery ${one.type}`,
      place: 'deliveries',
      owner: c.get('owner').name,
      crumbs: [{ href: path, label: 'Deliveries' }],
      heading: html`<span class="mono">${one.type}</span>`,
      actions: html`<form method="post" action="${path}/${encodeURIComponent(one.id)}/redeliver">
        <button class="button primary" type="submit"${one.state === 'cancelled' ? html` disabled` : ''}>Send again</button></form>`,
      notice,
      main: live(
        html`${summary(one, why, deps.now())} ${attempts(one, deps.now())}
        <section class="card" aria-labelledby="payload"><h2 id="payload">Payload</h2>${jsonBlock('Payload', one.payload)}</section>`,
        {
          everyMs: 2_000,
        },
      ),
    }),
  )
}

function summary(one: DeliveryDetail, why: Html | null, now: number): Html {
  const reason =
    one.state_reason === null
      ? ''
      : html` <span class="muted">${one.state_reason.replaceAll('_', ' ')}</span>`
  return html`<section class="card" aria-label="State">
    <div class="state">${pill(one.state)}${reason}${why && html`<p>${why}</p>`}</div>
    <p class="mono break">${one.callback_url}</p>
    ${facts([
      ['Task', tokenLink(one.task_token)],
      ['Seq', one.seq ?? '–'],
      ['Attempts', one.attempts],
      ['Created', exactTime(one.created_at, now)],
      ['Next attempt', nextAttempt(one.next_attempt_at, now)],
      ['Finished', exactTime(one.finished_at, now)],
      ['Webhook id', html`<span class="mono break">${one.webhook_id}</span>`],
      [
        'Subscription',
        html`<a class="mono" href="${path}?subscription_id=${encodeURIComponent(one.subscription_id)}">${one.subscription_id}</a>`,
      ],
    ])}
  </section>`
}

type Attempt = DeliveryDetail['attempt_log'][number]

function attempts(one: DeliveryDetail, now: number): Html {
  const newestFirst = one.attempt_log.toReversed()
  return html`<section class="card" aria-labelledby="attempts"><h2 id="attempts">Attempts</h2>
    ${
      newestFirst.length === 0
        ? html`<p class="muted">None yet.</p>`
        : html`<ol class="attempts" reversed>${newestFirst.map((attempt) => attemptItem(attempt, one.callback_url, now))}</ol>
          ${one.attempts > newestFirst.length && html`<p class="muted small">The newest ${newestFirst.length} of ${one.attempts}.</p>`}`
    }</section>`
}

/** @param callbackUrl where the next one would go: an attempt from before a change went elsewhere */
function attemptItem(attempt: Attempt, callbackUrl: string, now: number): Html {
  const code = attempt.status_code === null ? attempt.error_code : `HTTP ${attempt.status_code}`
  // With an id, a newer attempt above it takes neither the focus nor what is scrolled.
  return html`<li id="attempt-${attempt.attempt}"><div class="attempt"><strong>#${attempt.attempt}</strong>${pill(attempt.outcome)}
      <span class="mono">${code}</span><span class="muted">${duration(attempt.duration_ms)}</span>
      <span class="end">${exactTime(attempt.at, now)}</span></div>
    ${attempt.url !== callbackUrl && html`<p class="mono break muted">${attempt.url}</p>`}
    ${attempt.response_body ? textBlock(`Answer to attempt ${attempt.attempt}`, attempt.response_body) : ''}</li>`
}
