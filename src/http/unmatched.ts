/** What is answered when no handler took the request: 405 on a path that has other methods, else 404. */
import type { Context, Hono } from 'hono'
import type { HttpEnv } from './deps.ts'
import { answerProblem } from './problem.ts'

interface KnownPath {
  pattern: RegExp
  methods: string[]
}

/** Whoever opens the URL that a relay logs gets this first. */
const nothingHere =
  'There is nothing at this path. The API is described at /docs, the dashboard is at /dashboard.'

/** For `app.notFound`. The routes are read at the first miss, so that all are there. */
export function answerUnmatched(app: Hono<HttpEnv>): (c: Context<HttpEnv>) => Response {
  let known: KnownPath[] | null = null
  return (c) => {
    known ??= knownPaths(app)
    // A path may have two patterns: /v1/deliveries/redeliver is also /v1/deliveries/{id}.
    const methods = known.filter(({ pattern }) => pattern.test(c.req.path)).flatMap((path) => path.methods)
    if (methods.length === 0) {
      return answerProblem(c, { code: 'not_found', detail: nothingHere })
    }
    const allow = [...new Set(methods)].sort().join(', ')
    const detail = `${c.req.method} is not allowed here. Allowed: ${allow}.`
    return answerProblem(c, { code: 'method_not_allowed', detail, headers: { allow } })
  }
}

function knownPaths(app: Hono<HttpEnv>): KnownPath[] {
  return app.routes.flatMap(({ path, method }) => {
    // Middleware is registered under ALL.
    if (method === 'ALL') return []
    // Hono answers HEAD from the GET handler.
    return { pattern: pathPattern(path), methods: method === 'GET' ? ['GET', 'HEAD'] : [method] }
  })
}

/** Only `.` needs escaping in the literal parts of this API's paths. */
function pathPattern(path: string): RegExp {
  const segments = path
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')))
  return new RegExp(`^${segments.join('/')}$`)
}
