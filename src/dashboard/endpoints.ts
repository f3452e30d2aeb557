/** The origins that callbacks go to: health, backlog, latency, pause and limits. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { type Problem, problems } from '../http/problem.ts'
import { type Api, type Delivery, type DeliveryDetail, type Endpoint, type Listed, queryText } from './api.ts'
import { type LatencyBar, latencyChart } from './chart.ts'
import type { DashboardDeps, DashboardEnv } from './deps.ts'
import { field } from './form.ts'
import { type Html, live, type Notice, page } from './layout.ts'
import { noticeOf } from './notices.ts'
import { empty, facts, pager, pill, time } from './parts.ts'
import { sentFields } from './sent.ts'

/**
 * Attempts are read with their deliveries, one call each, so the charts look at the newest few; and at the newest of each
 * kind, which many of another, such as those that wait for their turn, would hide.
 */
const lookedAt: readonly Readonly<Record<string, string>>[] = [
  { limit: '20' },
  { limit: '10', state: 'delivered' },
  { limit: '10', state: 'pending' },
  { limit: '10', state: 'exhausted' },
]
const barsMax = 60
const path = '/dashboard/endpoints'

/** What was typed and refused, to be shown again. */
interface Draft {
  id: string
  values: Readonly<Record<string, string>>
  refusal: Problem
}

export function endpointRoutes(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/endpoints', (c) => show(c, deps, { notice: noticeOf(c.req.query('done')) }))
  // What a refusal was answered under: to be loaded again, and for the live part to look at.
  app.get('/endpoints/:id/:action{pause|resume|limits}', (c) => c.redirect(pageOf(c), 303))
  app.post('/endpoints/:id/pause', (c) => change(c, deps, { paused: true }, 'paused'))
  app.post('/endpoints/:id/resume', (c) => change(c, deps, { paused: false }, 'resumed'))
  app.post('/endpoints/:id/limits', async (c) => {
    const form = await sentFields(c)
    const values = Object.fromEntries(
      ['max_concurrency', 'max_per_second'].map((name) => [name, form[name]?.trim() ?? '']),
    )
    const patch = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, numberOrNull(text)]))
    return change(c, deps, patch, 'limited', values)
  })
  return app
}

/** Of the list that the form stands in; the endpoint is on no other. */
function pageOf(c: Context<DashboardEnv>, done?: string): string {
  return `${path}${queryText({ done, cursor: c.req.query('cursor') })}`
}

/** Empty is none; what is no number goes on as it is, and the API says what is wrong with it. */
function numberOrNull(text: string): number | string | null {
  if (text === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

async function change(
  c: Context<DashboardEnv>,
  deps: DashboardDeps,
  patch: Readonly<Record<string, unknown>>,
  done: string,
  values: Readonly<Record<string, string>> = {},
) {
  const id = c.req.param('id') ?? ''
  const answer = await c.get('api').send('PATCH', `/v1/endpoints/${encodeURIComponent(id)}`, patch)
  if (answer.ok) return c.redirect(`${pageOf(c, done)}#${encodeURIComponent(id)}`, 303)
  c.status(problems[answer.refusal.code].status)
  return show(c, deps, {
    notice: { kind: 'bad', text: answer.refusal.detail },
    draft: { id, values, refusal: answer.refusal },
  })
}

async function show(
  c: Context<DashboardEnv>,
  deps: DashboardDeps,
  { notice, draft }: { notice: Notice | undefined; draft?: Draft },
) {
  const api = c.get('api')
  const cursor = c.req.query('cursor')
  const [found, bars] = await Promise.all([
    api.get<Listed<Endpoint>>('/v1/endpoints', { cursor }),
    recentAttempts(api),
  ])
  const cards = found.data.map((one) =>
    card(one, {
      bars: bars.get(one.origin) ?? [],
      now: deps.now(),
      cursor,
      draft: draft?.id === one.id ? draft : null,
    }),
  )
  const none = empty(
    'No endpoints yet',
    html`An endpoint is the origin of your callback URLs. It shows up with the first
      <a href="/dashboard/register">registration</a>.`,
  )
  return c.html(
    page({
      title: 'Endpoints',
      place: 'endpoints',
      owner: c.get('owner').name,
      heading: 'Endpoints',
      notice,
      main: live(
        html`${cards.length === 0 ? none : html`<div class="cards">${cards}</div>`}
        ${pager(path, { cursor }, found.next_cursor)}`,
        { everyMs: 10_000 },
      ),
    }),
  )
}

/** By origin, oldest first. */
async function recentAttempts(api: Api): Promise<Map<string, LatencyBar[]>> {
  const lists = await Promise.all(lookedAt.map((query) => api.get<Listed<Delivery>>('/v1/deliveries', query)))
  const tried = lists.flatMap(({ data }) => data).filter(({ attempts }) => attempts > 0)
  const ids = [...new Set(tried.map(({ id }) => id))]
  const details = await Promise.all(ids.map((id) => api.get<DeliveryDetail>(`/v1/deliveries/${id}`)))
  const byOrigin = new Map<string, LatencyBar[]>()
  for (const { url, at, duration_ms, outcome } of details.flatMap((one) => one.attempt_log)) {
    const { origin } = new URL(url)
    const bars = byOrigin.get(origin) ?? []
    byOrigin.set(origin, [
      ...bars,
      { at: Date.parse(at), durationMs: duration_ms, ok: outcome === 'accepted' },
    ])
  }
  for (const [origin, bars] of byOrigin) {
    byOrigin.set(origin, bars.sort((a, b) => a.at - b.at).slice(-barsMax))
  }
  return byOrigin
}

interface Shown {
  bars: readonly LatencyBar[]
  now: number
  cursor: string | undefined
  draft: Draft | null
}

function card(one: Endpoint, { bars, now, cursor, draft }: Shown): Html {
  const action = (name: string) => `${path}/${encodeURIComponent(one.id)}/${name}${queryText({ cursor })}`
  return html`<article class="card" id="${one.id}" aria-labelledby="${one.id}-name">
    <div class="head"><h2 class="mono break" id="${one.id}-name">${one.origin}</h2>
      <div class="actions">${one.paused && pill('paused')}${statePill(one, bars)}
        <form method="post" action="${action(one.paused ? 'resume' : 'pause')}">
          <button class="button" type="submit" aria-describedby="${one.id}-name">${one.paused ? 'Resume' : 'Pause'}</button>
        </form></div></div>
    ${facts([
      ['Backlog', html`<strong>${one.backlog}</strong> waiting`],
      ['Oldest waits since', time(one.oldest_waiting_at, now)],
      ['Last success', time(lastSuccess(one, bars), now)],
      ...(one.failing_since === null ? [] : [['Failing since', time(one.failing_since, now)] as const]),
      ...(one.retry_after_until === null
        ? []
        : [['Asked to wait until', time(one.retry_after_until, now)] as const]),
    ])}
    ${bars.length === 0 ? html`<p class="muted small">No attempt among your newest deliveries.</p>` : latencyChart(one.id, bars)}
    ${limitsForm(one, action('limits'), draft)}
  </article>`
}

/** The word is the circuit's, which opens at the tenth failure in a row (CONTRACT §4.5): green it is where something was accepted last. */
function statePill(one: Endpoint, bars: readonly LatencyBar[]): Html {
  const last = bars.at(-1)
  if (one.state !== 'healthy') return pill(one.state)
  const successAt = lastSuccess(one, bars)
  // What is looked at are few deliveries: the endpoint knows of a success elsewhere.
  const isNewer = successAt !== null && last !== undefined && Date.parse(successAt) > last.at
  if (last?.ok === false && !isNewer)
    return html`${pill('healthy', 'wait')}<span class="muted small">last attempt failed</span>`
  return pill('healthy', successAt === null ? 'off' : 'ok')
}

/** After a start the relay knows the success that it wrote down last; an attempt may tell of a later one. */
function lastSuccess(one: Endpoint, bars: readonly LatencyBar[]): string | null {
  const at = bars.findLast(({ ok }) => ok)?.at ?? 0
  const known = one.last_success_at === null ? 0 : Date.parse(one.last_success_at)
  const newest = Math.max(at, known)
  return newest === 0 ? null : new Date(newest).toISOString()
}

function limitsForm(one: Endpoint, action: string, draft: Draft | null): Html {
  const fields = [
    {
      name: 'max_concurrency',
      label: 'Most at a time',
      hint: 'Attempts in flight, at most the configured number. Empty: that many.',
      saved: one.max_concurrency,
      min: '1',
      max: '10000',
      step: '1',
    },
    {
      name: 'max_per_second',
      label: 'Most per second',
      hint: 'Attempts started. Empty: no limit.',
      saved: one.max_per_second,
      min: '0.01',
      max: '100000',
      step: 'any',
    },
  ]
  // What was refused is the reader's, as if it had just been typed: the script leaves it as it is.
  const touched = draft === null ? '' : html` data-touched="yes"`
  return html`<details${draft === null ? '' : html` open`}><summary>Limits</summary>
    <form class="row" method="post" action="${action}"${touched}>
    ${fields.map(({ saved, ...rest }) => {
      const fault = draft?.refusal.errors?.find((error) => error.path === rest.name)?.message
      const value = draft?.values[rest.name] ?? (saved === null ? '' : String(saved))
      return field({ ...rest, type: 'number', value, scope: one.id, ...(fault !== undefined && { fault }) })
    })}
    <button class="button" type="submit">Save limits</button></form></details>`
}
