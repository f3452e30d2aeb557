/** What is answered when a handler threw: problems as they are, anything else as 500 or 503 without its text. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import { redact } from '../core/redact.ts'
import type { Log } from '../ports.ts'
import type { HttpEnv } from './deps.ts'
import { answerProblem, faultAt, type Problem, thrownProblem } from './problem.ts'

/** For `app.onError`. Logs what is Pollhook's own fault; the answer never carries the error's text. */
export function answerError(log: Log): (error: Error, c: Context<HttpEnv>) => Response {
  return (error, c) => {
    const known = thrownProblem(error) ?? framework(error) ?? cursor(error)
    if (known !== null) return answerProblem(c, known)
    const storage = isStorageFailure(error)
    log.error(storage ? 'storage unavailable' : 'request failed', {
      request_id: c.get('requestId'),
      method: c.req.method,
      route: routePath(c, -1),
      error: causesOf(error).map(safeText).join(' <- '),
      stack: error.stack
        ?.split('\n')
        .filter((line) => /^ +at /.test(line))
        .join('\n'),
    })
    return answerProblem(c, storage ? unavailable : internal)
  }
}

const internal: Problem = {
  code: 'internal',
  detail: 'Pollhook failed to handle the request. The log has the cause under this request_id.',
}

const unavailable: Problem = {
  code: 'unavailable',
  detail:
    'Pollhook cannot write to its database at the moment. Nothing was changed, but for a redelivery by filter, which may have begun; try again later.',
}

/** The one exception that Hono's validator throws by itself. */
function framework(error: Error): Problem | null {
  if (!(error instanceof HTTPException) || error.status !== 400) return null
  return { code: 'invalid_json', detail: 'The body is not valid JSON.' }
}

/** Cursors are the store's own: it alone knows a bad one. */
function cursor(error: Error): Problem | null {
  if (error.name !== 'InvalidCursorError') return null
  return faultAt('cursor', 'is not a cursor of this list; pass next_cursor of the page before, unchanged')
}

/** Codes of better-sqlite3, and the messages by which a Durable Object tells the same (it has no codes). */
const storageFailure =
  /^SQLITE_(FULL|BUSY|LOCKED|IOERR|READONLY|CANTOPEN|NOMEM)|database or disk is full|database is locked|disk I\/O error/

function isStorageFailure(error: Error): boolean {
  return causesOf(error).some((cause) => {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
    return storageFailure.test(code) || storageFailure.test(cause.message)
  })
}

/** The error and what caused it, outermost first. */
function causesOf(error: Error): Error[] {
  const chain: Error[] = []
  let cause: unknown = error
  while (cause instanceof Error && chain.length < 5) {
    chain.push(cause)
    cause = cause.cause
  }
  return chain
}

/** Drizzle's messages end in the bound parameters, and URLs may have secrets in their path. */
export function safeText({ name, message }: Error): string {
  const text = message.replace(/\nparams:[\s\S]*$/, '').replace(/(https?:\/\/[^/\s]+)\S*/g, '$1')
  return redact(`${name}: ${text}`)
}
