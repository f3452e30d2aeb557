/**
 * Error answers as `application/problem+json` (RFC 9457) and the one map from code to HTTP status. Handlers
 * throw `problem(...)`; only `app.onError` turns it into an answer. Knows no route.
 */
import type { Context } from 'hono'
import type { HttpEnv } from './deps.ts'

export const problems = {
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request is not valid' },
  callback_not_allowed: { status: 400, title: 'The callback URL is not allowed' },
  status_url_not_allowed: { status: 400, title: 'The status URL is not allowed' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  subscription_exists: { status: 409, title: 'Such a subscription exists' },
  conflict: { status: 409, title: 'The state of the resource forbids this' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  quota_exceeded: { status: 429, title: 'Quota exceeded' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Unavailable' },
} as const

export type ProblemCode = keyof typeof problems

/** One fault of a request: where, as a dotted path, and what to do about it. */
export interface Fault {
  path: string
  message: string
}

/** What a problem says beyond its code. `headers` go with the answer, not into its body. */
export interface ProblemExtras {
  errors?: readonly Fault[]
  /** Of the subscription that is in the way (`subscription_exists`). */
  id?: string
  headers?: Readonly<Record<string, string>>
}

export interface Problem extends ProblemExtras {
  code: ProblemCode
  detail: string
}

const mark = Symbol('problem')

/** An error to throw, which `app.onError` answers with the status of `code`. */
export function problem(code: ProblemCode, detail: string, extras: ProblemExtras = {}): Error {
  return throwable({ ...extras, code, detail })
}

/** The same for a problem that was found as data. */
export function throwable(found: Problem): Error {
  return Object.assign(new Error(found.detail), { [mark]: found })
}

/** What is wrong with one part of a request; `message` is what follows its name in a sentence. */
export function faultAt(path: string, message: string, code: ProblemCode = 'invalid_request'): Problem {
  return { code, detail: `${path} ${message}.`, errors: [{ path, message }] }
}

/** The problem that was thrown, or null for any other error. */
export function thrownProblem(error: Error): Problem | null {
  return mark in error ? (error[mark] as Problem) : null
}

/** The JSON of one problem (RFC 9457 §3; `code`, `request_id`, `errors` and `id` are extension members). */
export function problemBody({ code, detail, errors, id }: Problem, requestId: string) {
  return {
    type: 'about:blank',
    title: problems[code].title,
    status: problems[code].status,
    code,
    detail,
    request_id: requestId,
    ...(errors && { errors: [...errors] }),
    ...(id !== undefined && { id }),
  }
}

/** What is unavailable, as a full disk, a shard or a relay that stops, has mostly changed by then. */
const retryAfterSeconds = 5

/** What goes with the answer to a problem. */
export function problemHeaders({ code, headers }: Problem): Record<string, string> {
  return {
    ...(code === 'unavailable' && { 'retry-after': String(retryAfterSeconds) }),
    ...headers,
    'content-type': 'application/problem+json',
  }
}

/** Where no app answers. */
export function problemResponse(found: Problem, requestId: string): Response {
  const body = problemBody(found, requestId)
  const headers = { ...problemHeaders(found), 'x-request-id': requestId }
  return new Response(JSON.stringify(body), { status: body.status, headers })
}

export function answerProblem(c: Context<HttpEnv>, thrown: Problem): Response {
  const body = problemBody(thrown, c.get('requestId'))
  return c.body(JSON.stringify(body), body.status, problemHeaders(thrown))
}
