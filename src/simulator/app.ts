/**
 * The simulated service over HTTP: form-encoded in, JSON out, HTTP 200 also for errors. One Hono app for the
 * API host and one per master.
 */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import {
  answerAccessToken,
  answerCreateTask,
  answerStartEncode,
  answerStatus,
  errorReply,
  type Host,
  type Reply,
} from './answers.ts'
import type { CallLog } from './call-log.ts'
import type { FaultBook } from './faults.ts'
import type { Jobs } from './jobs.ts'

export interface AppDeps {
  jobs: Jobs
  faults: FaultBook
  calls: CallLog
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Settles when the simulator closes, so that calls that are never answered end then. */
  closed: Promise<void>
}

export type SimulatorApp = Hono<{ Bindings: HttpBindings }>

const bodyCharsMax = 1024 * 1024

/** Jobs are made here, and every token is known. */
export function createApiApp(deps: AppDeps, origin: () => string): SimulatorApp {
  const app = createMasterApp(deps, 'api', origin)
  app.post('/v1/access_token', (c) => answerForm(c, deps, (form) => answerAccessToken(deps.jobs, form)))
  app.post('/v1/create_task', (c) => answerForm(c, deps, (form) => answerCreateTask(deps.jobs, form)))
  app.post('/v1/start_encode2', (c) => answerForm(c, deps, (form) => answerStartEncode(deps.jobs, form)))
  return app
}

/** @param origin known only once the app listens */
export function createMasterApp(deps: AppDeps, host: Host, origin: () => string): SimulatorApp {
  const app: SimulatorApp = new Hono()
  app.post('/v1/status', async (c) => {
    const form = await readForm(c)
    if (form === null) return toResponse(c, deps, errorReply(9, 'Payload is too long'))
    const tokens = tokensOf(form)
    const { reply, latencyMs, fault } = answerStatus(deps, { host, tokens })
    deps.calls.record({ host: origin(), tokens, at: deps.now(), fault })
    if (latencyMs > 0) await Promise.race([deps.wait(latencyMs), deps.closed])
    return toResponse(c, deps, reply)
  })
  return app
}

async function answerForm(c: Context, deps: AppDeps, answer: (form: URLSearchParams) => Reply) {
  const form = await readForm(c)
  return toResponse(c, deps, form === null ? errorReply(9, 'Payload is too long') : answer(form))
}

/** Null when the body is too long. */
async function readForm(c: Context): Promise<URLSearchParams | null> {
  const text = await c.req.text()
  return text.length > bodyCharsMax ? null : new URLSearchParams(text)
}

/**
 * `task_tokens[]` for several. Repeating the name without `[]` was tried by a client and given up, so only the
 * last of such counts (a guess); a comma-separated list is mentioned once.
 */
function tokensOf(form: URLSearchParams): string[] {
  const single = form.getAll('task_tokens').at(-1)
  const tokens = [...form.getAll('task_tokens[]'), ...(single?.split(',') ?? [])]
  return [...new Set(tokens.map((token) => token.trim()).filter((token) => token !== ''))]
}

async function toResponse(c: Context, deps: AppDeps, reply: Reply): Promise<Response> {
  switch (reply.kind) {
    case 'json': {
      const headers: Record<string, string> = { 'content-type': 'application/json' }
      if (reply.retryAfterSeconds !== undefined) headers['retry-after'] = String(reply.retryAfterSeconds)
      return new Response(JSON.stringify(reply.body), { headers })
    }
    case 'html':
      return c.html(errorPage, reply.status as 200 | 503)
    case 'reset':
      ;(c.env as HttpBindings).incoming.socket.resetAndDestroy()
      return RESPONSE_ALREADY_SENT
    case 'never':
      await deps.closed
      return RESPONSE_ALREADY_SENT
  }
}

const errorPage =
  '<!doctype html><html><head><title>Error</title></head><body><h1>Please try later</h1></body></html>'
