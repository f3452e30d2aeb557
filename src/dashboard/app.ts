/**
 * `/dashboard`: pages over the public API, which they call with the session's own authority, so that one
 * implementation serves one relay and many shards. Knows no store and no engine.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { csrf } from 'hono/csrf'
import { html } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { kept } from '../core/kept.ts'
import { safeText } from '../http/failures.ts'
import { type ProblemCode, problems, thrownProblem } from '../http/problem.ts'
import { identify } from '../http/request-id.ts'
import { deliveryRoutes } from './deliveries.ts'
import type { DashboardDeps, DashboardEnv } from './deps.ts'
import { endpointRoutes } from './endpoints.ts'
import { bare, type Html, icon } from './layout.ts'
import { registerRoutes } from './register.ts'
import { script } from './script.ts'
import { requireSession, sessionRoutes } from './session.ts'
import { style } from './style.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { taskRoutes } from './task.ts'
import { taskListRoutes } from './tasks.ts'

/** Answers everything under `/dashboard`. */
export function createDashboard(deps: DashboardDeps): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>().basePath('/dashboard')
  app.use(identify(deps))
  app.use(guard)
  app.use(refuseForeignForms)
  addAssets(app, deps)
  app.route('/', sessionRoutes(deps))
  app.use(requireSession(deps))
  app.get('/', (c) => c.redirect('/dashboard/tasks'))
  app.route('/', taskListRoutes(deps))
  app.route('/', taskRoutes(deps))
  app.route('/', subscriptionRoutes())
  app.route('/', deliveryRoutes(deps))
  app.route('/', endpointRoutes(deps))
  app.route('/', registerRoutes())
  app.notFound(answerUnknown)
  app.onError(answerFault(deps))
  return app
}

/** Of a whole URL as the WHATWG parser serialises it: to parse it once more would cost each call of the API as well. */
const underDashboard = /^[^:]+:\/\/[^/]+\/dashboard(?:[/?#]|$)/

/** @returns one handler for both: the dashboard under its path, the API everywhere else */
export function withDashboard<Rest extends unknown[]>(
  dashboard: { fetch(request: Request): Response | Promise<Response> },
  api: (request: Request, ...rest: Rest) => Response | Promise<Response>,
): (request: Request, ...rest: Rest) => Response | Promise<Response> {
  return (request, ...rest) => {
    return underDashboard.test(request.url) ? dashboard.fetch(request) : api(request, ...rest)
  }
}

/** Nothing inline, nothing from elsewhere, in no frame. HSTS is the matter of who ends TLS. */
const guard = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  referrerPolicy: 'same-origin',
})

const checkOrigin = csrf({ origin: isSameHost })

/**
 * Every browser says where a form comes from. What says nothing is no browser, or one so old that SameSite or the
 * missing cookie must do.
 */
const refuseForeignForms: MiddlewareHandler<DashboardEnv> = (c, next) => {
  const says = c.req.header('origin') ?? c.req.header('sec-fetch-site')
  return says === undefined ? next() : checkOrigin(c, next)
}

/** A proxy that ends TLS leaves the host as it is, but not the scheme. */
function isSameHost(origin: string, c: Context): boolean {
  return URL.parse(origin)?.host === new URL(c.req.url).host
}

function addAssets(app: Hono<DashboardEnv>, deps: DashboardDeps): void {
  app.use(async (c, next) => {
    await next()
    c.header(
      'cache-control',
      c.req.path.startsWith('/dashboard/assets/') ? 'public, max-age=300' : 'no-store',
    )
  })
  const serve = (name: string, type: string, text: string) =>
    app.get(`/assets/${name}`, (c) => c.body(text, 200, { 'content-type': `${type}; charset=utf-8` }))
  serve('style.css', 'text/css', style)
  serve('live.js', 'text/javascript', script)
  serve('icon.svg', 'image/svg+xml', icon)
  const idiomorph = kept(() => deps.idiomorph())
  app.get('/assets/idiomorph.js', async (c) => {
    const bytes = await idiomorph()
    if (bytes === null) return c.notFound()
    return c.body(bytes, 200, { 'content-type': 'text/javascript; charset=utf-8' })
  })
}

/** `/dashboard/` is what people type; the page is the same one. */
function answerUnknown(c: Context) {
  // As it came: decoded it may hold a line feed, which no header takes.
  const { pathname, search } = new URL(c.req.url)
  if (c.req.method !== 'POST' && pathname.endsWith('/'))
    return c.redirect(pathname.replace(/\/+$/, '') + search)
  return faultPage(c, 404, 'There is nothing at this address.')
}

function answerFault({ log }: DashboardDeps) {
  return (error: Error, c: Context<DashboardEnv>) => {
    const known = thrownProblem(error)
    if (known !== null) return faultPage(c, problems[known.code].status, known.detail)
    // Hono's csrf throws no other.
    if (error instanceof HTTPException && error.status === 403)
      return faultPage(c, 403, 'The form came from another site.')
    log.error('request failed', { request_id: c.get('requestId'), error: safeText(error) })
    return faultPage(
      c,
      500,
      `Pollhook failed to make this page. The log has the cause under ${c.get('requestId')}.`,
    )
  }
}

type FaultStatus = 403 | (typeof problems)[ProblemCode]['status']

function faultPage(c: Context, status: FaultStatus, detail: string) {
  const title = status === 404 ? 'Not found' : 'That did not work'
  const main: Html = html`<section class="card login"><h1>${title}</h1><p>${detail}</p>
    <p><a href="/dashboard/tasks">Back to the tasks</a></p></section>`
  return c.html(bare({ title, main }), status)
}
