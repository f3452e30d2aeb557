/** First middleware of every request: names it, times it, logs it by route pattern, hardens the answer. */
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { AppDeps, HttpEnv } from './deps.ts'

const safeId = /^[A-Za-z0-9_-]{8,64}$/

/** A caller's own id is kept when it can do no harm in a log line or a header. */
export function isSafeId(id: string | null | undefined): id is string {
  return safeId.test(id ?? '')
}

/** Probes and scrapes come every few seconds and say nothing at level info. */
const quiet = new Set(['/healthz', '/readyz', '/metrics'])

/** A page of the dashboard calls the API several times; its own line, under the same id, is enough. */
const ticket = /^Bearer pht_/i

export function identify(deps: Pick<AppDeps, 'requestId' | 'now' | 'log'>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const given = c.req.header('x-request-id')
    const id = isSafeId(given) ? given : deps.requestId()
    const startedAt = deps.now()
    c.set('requestId', id)
    await next()
    // In place: `c.header` would make another answer with the body as a stream, which @hono/node-server sends slowly.
    c.res.headers.set('x-request-id', id)
    c.res.headers.set('x-content-type-options', 'nosniff')
    const fields = {
      request_id: id,
      method: c.req.method,
      // The pattern, never the path: a path may carry a task token (CONTRACT §5.7).
      route: routePath(c, -1),
      status: c.res.status,
      duration_ms: deps.now() - startedAt,
      owner: c.get('owner')?.name,
    }
    const isOfDashboard = fields.owner !== undefined && ticket.test(c.req.header('authorization') ?? '')
    if (quiet.has(c.req.path) || isOfDashboard) deps.log.debug('request', fields)
    else deps.log.info('request', fields)
  }
}
