/** The list of tasks: bars that move, filters, search. The API lists tasks unfiltered, so this reads on. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { taskTokenPattern } from '../core/task-token.ts'
import { queryText, type Task } from './api.ts'
import type { DashboardDeps, DashboardEnv } from './deps.ts'
import { type Html, live, page } from './layout.ts'
import { empty, pager, pill, progress, tabs, time, tokenLink } from './parts.ts'
import { readOn } from './read-on.ts'

const pageLimit = '100'

const filters: readonly { show: string; label: string; takes(task: Task): boolean }[] = [
  { show: '', label: 'All', takes: () => true },
  { show: 'active', label: 'Not ended', takes: ({ ended_at }) => ended_at === null },
  { show: 'completed', label: 'Completed', takes: ({ status }) => status === 'completed' },
  { show: 'failed', label: 'Failed', takes: ({ status }) => status === 'failed' || status === 'lost' },
  { show: 'cancelled', label: 'Cancelled', takes: ({ status }) => status === 'cancelled' },
]

export function taskListRoutes(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/tasks', async (c) => {
    const search = (c.req.query('q') ?? '').trim().toLowerCase()
    if (taskTokenPattern.test(search)) return c.redirect(`/dashboard/tasks/${search}`, 303)
    const show = c.req.query('show') ?? ''
    const cursor = c.req.query('cursor')
    const found = await findTasks(c, { search, show, cursor })
    const query = { show, q: search, cursor }
    return c.html(
      page({
        title: 'Tasks',
        place: 'tasks',
        owner: c.get('owner').name,
        heading: 'Tasks',
        actions: html`<a class="button primary" href="/dashboard/register">Register a task</a>`,
        main: html`<div class="toolbar">${filterTabs(show, search)}${searchForm(show, search)}</div>
          ${live(
            html`${found.rows.length > 0 ? table(found.rows, deps.now()) : nothing(query, found.next !== null)}
            ${pager('/dashboard/tasks', query, found.next)}`,
            { everyMs: 2_000 },
          )}`,
      }),
    )
  })
  return app
}

function findTasks(
  c: Context<DashboardEnv>,
  wanted: { search: string; show: string; cursor: string | undefined },
): Promise<{ rows: Task[]; next: string | null }> {
  const { takes } = filters.find(({ show }) => show === wanted.show) ?? filters[0]!
  const isPlain = wanted.search === '' && wanted.show === ''
  const query = { limit: isPlain ? '50' : pageLimit, cursor: wanted.cursor }
  return readOn<Task>(
    c.get('api'),
    '/v1/tasks',
    query,
    (task) => takes(task) && task.task_token.includes(wanted.search),
  )
}

function filterTabs(show: string, search: string): Html {
  return tabs(
    'Filter by status',
    filters.map((one) => ({
      label: one.label,
      href: `/dashboard/tasks${queryText({ show: one.show, q: search })}`,
      current: one.show === show,
    })),
  )
}

function searchForm(show: string, search: string): Html {
  return html`<form class="search" role="search" method="get" action="/dashboard/tasks">
    ${show && html`<input type="hidden" name="show" value="${show}">`}
    <label class="hidden" for="q">Search by token</label>
    <input class="mono" id="q" name="q" type="search" value="${search}" placeholder="Search by token" maxlength="32" spellcheck="false" autocomplete="off">
    <button class="button" type="submit">Search</button>
  </form>`
}

/** @param more whether older tasks were not looked at yet */
function nothing({ show, q }: Readonly<Record<'show' | 'q', string>>, more: boolean): Html {
  if (more) {
    return empty(
      'No task fits so far',
      html`Many newer ones were looked through; “Older” goes on from there.`,
    )
  }
  if (show !== '' || q !== '') {
    return empty(
      'No task fits',
      html`<a href="/dashboard/tasks">Show all tasks</a>, or search for a part of a token.`,
    )
  }
  return empty(
    'No tasks yet',
    html`<a href="/dashboard/register">Register a task token</a> and a callback URL, here or by the
      <a href="/docs">API</a>. The task then shows up here and moves by itself.`,
  )
}

function table(rows: readonly Task[], now: number): Html {
  return html`<div class="card table"><table>
    <caption class="hidden">Tasks, newest first</caption>
    <thead><tr><th scope="col">Task</th><th scope="col">Status</th><th scope="col">Progress</th>
      <th scope="col" class="wide">Changed</th><th scope="col" class="wide">Polled</th></tr></thead>
    <tbody>${rows.map(
      (task) => html`<tr id="task-${task.task_token}">
        <th scope="row">${tokenLink(task.task_token)}</th>
        <td>${pill(task.status ?? 'waiting')}</td>
        <td class="grow">${progress(task)}</td>
        <td class="wide">${time(task.changed_at, now)}</td>
        <td class="wide">${task.ended_at === null ? time(task.polled_at, now) : html`<span class="muted">ended</span>`}</td>
      </tr>`,
    )}</tbody></table></div>`
}
