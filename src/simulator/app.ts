/**
 * The simulated service over HTTP: form-encoded in, JSON out, HTTP 200 also for errors. One Hono app for the
 * API host and one per master.
 */
import type { HttpBindings } from '@hono/node-server'
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
}

export type SimulatorApp = Hono<{ Bindings: HttpBindings }>

const bodyCharsMax = 1024 * 1024

/** Jobs are made here, and every token is known. */
export function createApiApp(deps: AppDeps, origin: () => string): SimulatorApp {
  const app = createMasterApp(deps, 'api', origin)
  app.post('/v1/access_token', (c) => answerForm(c, (form) => answerAccessToken(deps.jobs, form)))
  app.post('/v1/create_task', (c) => answerForm(c, (form) => answerCreateTask(deps.jobs, form)))
  app.post('/v1/start_encode2', (c) => answerForm(c, (form) => answerStartEncode(deps.jobs, form)))
  return app
}

/** @param origin known only once the app listens */
export function createMasterApp(deps: AppDeps, host: Host, origin: () => string): SimulatorApp {
  const app: SimulatorApp = new Hono()
  app.post('/v1/status', async (c) => {
    const form = await readForm(c)
    if (form === null) return toResponse(c, errorReply(9, 'Payload is too long'))
    const tokens = tokensOf(form)
    const { reply, latencyMs, fault } = answerStatus(deps, { host, tokens })
    deps.calls.record({ host: origin(), tokens, at: deps.now(), fault })
    if (latencyMs > 0) await deps.wait(latencyMs)
    return toResponse(c, reply)
  })
  return app
}

async function answerForm(c: Context, answer: (form: URLSearchParams) => Reply) {
  const form = await readForm(c)
  return toResponse(c, form === null ? errorReply(9, 'Payload is too long') : answer(form))
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

function toResponse(c: Context, reply: Reply): Response | Promise<Response> {
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
      return noAnswer()
    case 'never':
      return noAnswer()
  }
}

/**
 * Nobody writes to the connection, so it hangs until the client leaves or the simulator closes. The server's own word for
 * that, RESPONSE_ALREADY_SENT, is sent as an empty 200 where its module was loaded after another server had begun.
 */
function noAnswer(): Promise<Response> {
  return new Promise<never>(() => {})
}

const errorPage =
  '<!doctype html><html><head><title>Error</title></head><body><h1>Please try later</h1></body></html>'
