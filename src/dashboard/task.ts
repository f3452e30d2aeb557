/** One task: how it went over time, what came of it, and who was told; live through its event stream. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import type { Delivery, Listed, Subscription, TaskDetail } from './api.ts'
import { timelineChart } from './chart.ts'
import type { DashboardDeps, DashboardEnv } from './deps.ts'
import { type Html, live, page } from './layout.ts'
import { noticeOf } from './notices.ts'
import { duration, exactTime, facts, jsonBlock, pager, percentText, pill, progress, time } from './parts.ts'
import { subscriptionCard, type Watched } from './subscriptions.ts'

const subscriptionsMax = '20'
const deliveriesMax = '8'
/** Rows of the timeline; the chart shows all. */
const transitionsMax = 50
/** Characters: what is longer scrolls. */
const longDescription = 600

export function taskRoutes(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/tasks/:token', async (c) => {
    const token = c.req.param('token')
    const path = `/v1/tasks/${encodeURIComponent(token)}`
    const task = await c.get('api').get<TaskDetail>(path)
    const cursor = c.req.query('cursor')
    const { watched, next } = await readWatched(c, task.task_token, cursor)
    const older = pager(`/dashboard/tasks/${task.task_token}`, { cursor }, next)
    const stream = `/dashboard/tasks/${task.task_token}/events?after=${task.seq}`
    return c.html(
      page({
        title: `Task ${task.task_token.slice(0, 6)}`,
        place: 'tasks',
        owner: c.get('owner').name,
        crumbs: [{ href: '/dashboard/tasks', label: 'Tasks' }],
        heading: html`<span class="mono">${task.task_token}</span>`,
        notice: noticeOf(c.req.query('done')),
        main: live(
          html`${sections(task, deps.now())} ${subscriptions(watched, { now: deps.now(), cursor })} ${older}`,
          {
            everyMs: 5_000,
            ...(task.ended_at === null && { stream }),
          },
        ),
      }),
    )
  })
  app.get('/tasks/:token/events', async (c) => {
    const last = c.req.header('last-event-id')
    const path = `/v1/tasks/${encodeURIComponent(c.req.param('token'))}/events`
    const after = c.req.query('after')
    const query = after === undefined ? '' : `?${new URLSearchParams({ after })}`
    const answer = await c
      .get('api')
      .open(`${path}${query}`, last === undefined ? {} : { 'last-event-id': last }, c.req.raw.signal)
    return new Response(answer.body, answer)
  })
  return app
}

async function readWatched(
  c: Context<DashboardEnv>,
  token: string,
  cursor: string | undefined,
): Promise<{ watched: Watched[]; next: string | null }> {
  const api = c.get('api')
  const { data, next_cursor: next } = await api.get<Listed<Subscription>>('/v1/subscriptions', {
    task_token: token,
    limit: subscriptionsMax,
    cursor,
  })
  const watched = await Promise.all(
    data.map(async (subscription) => {
      const query = { subscription_id: subscription.id, limit: deliveriesMax }
      const list = await api.get<Listed<Delivery>>('/v1/deliveries', query)
      return { subscription, deliveries: list.data, more: list.next_cursor !== null }
    }),
  )
  return { watched, next }
}

function sections(task: TaskDetail, now: number): Html {
  return html`${summary(task, now)} ${timeline(task, now)} ${result(task)}`
}

function subscriptions(
  watched: readonly Watched[],
  shown: { now: number; cursor: string | undefined },
): Html {
  return html`<section aria-labelledby="subscriptions"><h2 id="subscriptions">Subscriptions</h2>
    ${watched.map((one) => subscriptionCard(one, shown))}</section>`
}

function summary(task: TaskDetail, now: number): Html {
  // Upstream's own words may turn the direction of writing: not that of ours.
  const error =
    task.error && html`<bdi>${task.error.description ?? 'No description'}</bdi> (code ${task.error.code})`
  const isLong = (task.error?.description?.length ?? 0) > longDescription
  const shape = isLong ? html`class="notice bad long" tabindex="0"` : html`class="notice bad"`
  return html`<section class="card" aria-label="State">
    <div class="state">${pill(task.status ?? 'waiting')}${progress(task)}</div>
    ${error && html`<p ${shape}>${error}</p>`}
    ${task.status === 'lost' && html`<p class="muted">Upstream did not know this token. Registered again, it is polled anew.</p>`}
    ${facts([
      ['Changed', exactTime(task.changed_at, now)],
      ['Polled', time(task.polled_at, now)],
      ['Ended', exactTime(task.ended_at, now)],
      ['Newest seq', task.seq],
    ])}
  </section>`
}

function timeline(task: TaskDetail, now: number): Html {
  const points = task.transitions.map(({ at, status, percent }) => ({ at: Date.parse(at), status, percent }))
  const rows = task.transitions.toReversed().slice(0, transitionsMax)
  if (points.length === 0) {
    return html`<section class="card"><h2>Timeline</h2><p class="muted">${nothingYet(task)}</p></section>`
  }
  const until = task.ended_at === null ? now : Date.parse(task.ended_at)
  // Of a task that was first seen at its end there is no time to draw.
  const chart = until > points[0]!.at && timelineChart(points, until)
  return html`<section class="card" aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
    ${chart}
    <details${task.transitions.length <= 12 ? html` open` : ''}><summary>${points.length} transition${points.length === 1 ? '' : 's'}</summary>
      <div class="table"><table><caption class="hidden">Transitions, newest first</caption>
      <thead><tr><th scope="col" class="num">Seq</th><th scope="col">Type</th><th scope="col" class="num">Percent</th><th scope="col">At</th><th scope="col" class="wide num">Since start</th></tr></thead>
      <tbody>${rows.map(
        (
          row,
        ) => html`<tr><td class="num">${row.seq}</td><td><span class="mono">${row.type}</span></td><td class="num">${percentText(row.percent)}</td>
          <td>${time(row.at, now)}</td><td class="wide num">${duration(Date.parse(row.at) - points[0]!.at)}</td></tr>`,
      )}</tbody></table></div>
      ${task.transitions.length > rows.length && html`<p class="muted small">The newest ${rows.length} of ${task.transitions.length}.</p>`}
    </details>
  </section>`
}

function nothingYet({ polled_at }: TaskDetail): string {
  if (polled_at === null) return 'Nothing is known yet. The first answer of upstream starts the timeline.'
  return 'Upstream was asked and has told nothing of this token so far. A token that it does not know is lost in the end: check the token and the status URL it was registered with.'
}

function result(task: TaskDetail): Html {
  if (task.result === null) return html``
  return html`<section class="card" aria-labelledby="result"><h2 id="result">Result</h2>
    ${jsonBlock('Result', task.result)}</section>`
}
