/** `Authorization: Bearer <key>` (RFC 6750 §2.1) on every route that it is put before. */
import type { MiddlewareHandler } from 'hono'
import type { AppDeps, HttpEnv } from './deps.ts'
import { problem } from './problem.ts'

/** What stands in the header, and the key in it. */
export const bearer = /^Bearer +([\x21-\x7e]{1,512}) *$/i

/** Sets `owner`, or throws 401. What lies behind a key must not stay in a shared cache. */
export function requireKey(deps: Pick<AppDeps, 'authenticate'>): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const key = bearer.exec(c.req.header('authorization') ?? '')?.[1]
    const owner = key === undefined ? null : deps.authenticate(key)
    if (owner === null) throw unauthorized(key === undefined)
    c.set('owner', owner)
    await next()
    c.res.headers.set('cache-control', 'no-store')
  }
}

function unauthorized(missing: boolean): Error {
  const detail = missing
    ? 'Send "Authorization: Bearer <key>" with one of the keys in POLLHOOK_API_KEYS.'
    : 'The API key is not known to this Pollhook.'
  return problem('unauthorized', detail, { headers: { 'www-authenticate': 'Bearer realm="pollhook"' } })
}
