/** The page around every page: landmarks, navigation, the same files on each. Knows no data. */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** What `html` makes: text that is escaped already. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

export type Place = 'tasks' | 'deliveries' | 'endpoints' | 'register'

export interface Page {
  title: string
  place: Place
  owner: string
  /** Under the heading's own line. */
  crumbs?: readonly { href: string; label: string }[]
  heading: Html | string
  /** Beside the heading. */
  actions?: Html
  /** What just happened. */
  notice?: Notice | undefined
  main: Html
}

export interface Notice {
  kind: 'ok' | 'bad'
  text: string
}

const places: readonly { place: Place; href: string; label: string }[] = [
  { place: 'tasks', href: '/dashboard/tasks', label: 'Tasks' },
  { place: 'deliveries', href: '/dashboard/deliveries', label: 'Deliveries' },
  { place: 'endpoints', href: '/dashboard/endpoints', label: 'Endpoints' },
  { place: 'register', href: '/dashboard/register', label: 'Register' },
]

export function page(one: Page): Html {
  return document(
    one.title,
    html`<a class="skip" href="#main">Skip to content</a>
    <div class="shell">
      <header class="side">
        ${brand}
        <nav aria-label="Dashboard"><ul>${places.map(
          ({ place, href, label }) =>
            html`<li><a href="${href}"${place === one.place ? html` aria-current="page"` : ''}>${label}</a></li>`,
        )}</ul></nav>
        <form class="who" method="post" action="/dashboard/logout">
          <a class="muted small" href="/docs">API documentation</a>
          <span class="muted small">Owner <strong>${one.owner}</strong></span>
          <button class="button quiet" type="submit">Log out</button>
        </form>
      </header>
      <main id="main" tabindex="-1">
        ${crumbs(one.crumbs ?? [])}
        <div class="head"><h1>${one.heading}</h1>${one.actions && html`<div class="actions">${one.actions}</div>`}</div>
        ${one.notice && html`<p class="notice ${one.notice.kind}" role="status">${one.notice.text}</p>`}
        ${one.main}
      </main>
    </div>`,
  )
}

/** Without navigation: for who is not logged in. @param refresh whether the browser is to load it again at once */
export function bare({ title, main, refresh }: { title: string; main: Html; refresh?: boolean }): Html {
  const body = html`<main id="main" class="bare">${brand}${main}</main>`
  return document(title, body, refresh ? html`<meta http-equiv="refresh" content="0">` : '')
}

/** The part that a script brings up to date; `stream` says sooner than the clock when. */
export function live(content: Html, { stream, everyMs }: { stream?: string; everyMs: number }): Html {
  return html`<p class="notice bad" id="stale" role="status" hidden>Pollhook does not answer. What you see may be old.</p>
    <div id="live" data-live="${everyMs}"${stream && html` data-stream="${stream}"`}>${content}</div>`
}

const brand = html`<a class="brand" href="/dashboard/tasks"><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M12 3v9.5a4.5 4.5 0 1 1-4.5-4.5" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/><circle cx="12" cy="3.6" r="2.6" fill="currentColor"/></svg><span>Pollhook</span></a>`

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#4a42d6"/><path d="M13 6v7.5a3.5 3.5 0 1 1-3.5-3.5" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/><circle cx="13" cy="6" r="2" fill="#fff"/></svg>`

function crumbs(trail: readonly { href: string; label: string }[]): Html | '' {
  if (trail.length === 0) return ''
  return html`<nav class="crumbs" aria-label="Breadcrumb"><ol>${trail.map(
    ({ href, label }) => html`<li><a href="${href}">${label}</a></li>`,
  )}</ol></nav>`
}

function document(title: string, body: Html, meta: Html | '' = ''): Html {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    ${meta}
    <title>${title} · Pollhook</title>
    <link rel="icon" type="image/svg+xml" href="/dashboard/assets/icon.svg">
    <link rel="stylesheet" href="/dashboard/assets/style.css">
    <script src="/dashboard/assets/idiomorph.js" defer></script>
    <script src="/dashboard/assets/live.js" defer></script>
  </head>
  <body>${body}</body>
</html>`
}
