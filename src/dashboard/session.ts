/**
 * The session cookie and the pages before and after it: logging in with an API key, logging out. The cookie
 * says who and until when, signed; nothing is stored, and it dies with its key.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { html } from 'hono/html'
import { createApi, queryText } from './api.ts'
import type { DashboardDeps, DashboardEnv, Session } from './deps.ts'
import { field } from './form.ts'
import { bare, type Html } from './layout.ts'
import { sentFields } from './sent.ts'

const cookieName = 'pollhook_session'
const path = '/dashboard'
const sessionSeconds = 12 * 3600

/** Sets `owner` and `api`, or sends a reader to the login page. */
export function requireSession(deps: DashboardDeps): MiddlewareHandler<DashboardEnv> {
  return async (c, next) => {
    const session = await readSession(c, deps)
    if (session === null) {
      if (c.req.path.endsWith('/events')) return c.body(null, 204)
      const isForm = c.req.method === 'POST'
      const wanted = isForm ? pageOfForm(c) : c.req.path + new URL(c.req.url).search
      if (cameByLink(c)) return c.html(againPage(wanted))
      const query = { next: wanted === path ? undefined : wanted, lost: isForm ? 'form' : undefined }
      return c.redirect(`${path}/login${queryText(query)}`, 303)
    }
    const { origin } = new URL(c.req.url)
    c.set('owner', { name: session.owner })
    c.set('api', createApi(deps, { owner: session.owner, requestId: c.get('requestId'), origin }))
    return next()
  }
}

/** Where the reader was: our own pages tell it each other. */
function pageOfForm(c: Context): string {
  return safeNext(c.req.header('referer')?.replace(/^[^:]+:\/\/[^/]+/, '') ?? path)
}

/** By a link on another site. To what that site starts, a browser gives no `SameSite=Strict` cookie. */
function cameByLink(c: Context): boolean {
  const { method } = c.req
  return method === 'GET' && c.req.header('sec-fetch-site') === 'cross-site'
}

/** Asks for the same page once more, now from this site: who is logged in sees it, who is not comes to the login. */
function againPage(wanted: string): Html {
  return bare({
    title: 'Dashboard',
    refresh: true,
    main: html`<p><a href="${wanted}">Go on to the page</a></p>`,
  })
}

async function readSession(c: Context, { sessions, now }: DashboardDeps): Promise<Session | null> {
  for (const key of sessions.cookieKeys) {
    const value = await getSignedCookie(c, key, cookieName)
    if (typeof value !== 'string') continue
    const [owner = '', keyPrint = '', expiresAt = ''] = value.split('.')
    const session = { owner, keyPrint }
    return Number(expiresAt) > now() && sessions.isValid(session) ? session : null
  }
  return null
}

export function sessionRoutes(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/login', async (c) => {
    const wanted = c.req.query('next') ?? ''
    if ((await readSession(c, deps)) !== null) return c.redirect(safeNext(wanted), 303)
    return c.html(loginPage(wanted, { lost: c.req.query('lost') !== undefined }))
  })
  app.post('/login', async (c) => {
    const form = await sentFields(c)
    const wanted = form.next ?? ''
    const session = form.key === undefined ? null : deps.sessions.open(form.key.trim())
    const newest = deps.sessions.cookieKeys[0]
    if (session === null || newest === undefined) {
      return c.html(loginPage(wanted, { fault: 'This Pollhook does not know that key.' }), 401)
    }
    const expiresAt = deps.now() + sessionSeconds * 1000
    await setSignedCookie(c, cookieName, `${session.owner}.${session.keyPrint}.${expiresAt}`, newest, {
      path,
      httpOnly: true,
      sameSite: 'Strict',
      secure: cameByHttps(c),
      maxAge: sessionSeconds,
    })
    return c.redirect(safeNext(wanted), 303)
  })
  app.post('/logout', (c) => {
    deleteCookie(c, cookieName, { path, httpOnly: true, sameSite: 'Strict', secure: cameByHttps(c) })
    return c.redirect(`${path}/login`, 303)
  })
  return app
}

/**
 * A proxy in front says so in a header, and one that says nothing leaves the browser's own word of where the form came
 * from; a lie there only makes the cookie stricter.
 */
function cameByHttps(c: Context): boolean {
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim()
  const origin = c.req.header('origin') ?? c.req.url
  return forwarded === 'https' || URL.parse(origin)?.protocol === 'https:'
}

/** Only a page of the dashboard: a login link must not lead elsewhere. */
function safeNext(wanted: string): string {
  const url = URL.parse(wanted, 'http://dashboard.invalid')
  const isOurs = url?.origin === 'http://dashboard.invalid' && url.pathname.startsWith(`${path}/`)
  return url !== null && isOurs ? url.pathname + url.search : path
}

/** @param lost whether a form came after the session had ended */
function loginPage(next: string, { fault, lost }: { fault?: string; lost?: boolean }): Html {
  return bare({
    title: 'Log in',
    main: html`<form class="card login" method="post" action="/dashboard/login">
      <h1>Log in</h1>
      ${lost && html`<p class="notice bad" role="status">Your session has ended. What you sent just now was not done.</p>`}
      <p class="muted">Use one of your API keys: those in <code>POLLHOOK_API_KEYS</code>.</p>
      <input type="hidden" name="next" value="${next}">
      ${field({
        name: 'key',
        label: 'API key',
        type: 'password',
        autocomplete: 'current-password',
        required: true,
        focus: true,
        ...(fault !== undefined && { fault }),
      })}
      <button class="button primary" type="submit">Log in</button>
      <p class="muted small">You stay logged in for 12 hours. <a href="/docs">API documentation</a></p>
    </form>`,
  })
}
