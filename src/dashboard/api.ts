/** Calls of the public API with the session's own authority, and what it answers. Knows nothing of pages. */
import type * as v from 'valibot'
import type * as answers from '../http/answers.ts'
import { type Fault, type Problem, type ProblemCode, throwable } from '../http/problem.ts'
import type { DashboardDeps } from './deps.ts'

export type Subscription = v.InferOutput<typeof answers.Subscription>
export type Task = v.InferOutput<typeof answers.Task>
export type TaskDetail = v.InferOutput<typeof answers.TaskDetail>
export type Delivery = v.InferOutput<typeof answers.Delivery>
export type DeliveryDetail = v.InferOutput<typeof answers.DeliveryDetail>
export type Endpoint = v.InferOutput<typeof answers.Endpoint>

/** A page of any list. */
export interface Listed<T> {
  data: T[]
  next_cursor: string | null
}

/** `refusal`: the problem (RFC 9457) that the API answered instead. */
export type Answer<T> = { ok: true; status: number; body: T } | { ok: false; refusal: Problem }

export interface Api {
  /** @throws what the API answered instead, as a problem */
  get<T>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T>
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<Answer<T>>
  /** The answer as it is: for event streams. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}

/** @param origin of the dashboard's own address: the API is beside it */
export function createApi(
  deps: Pick<DashboardDeps, 'api' | 'turn' | 'sessions'>,
  { owner, requestId, origin }: { owner: string; requestId: string; origin: string },
): Api {
  const call = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const headers = {
      ...init.headers,
      authorization: `Bearer ${deps.sessions.ticket(owner)}`,
      'x-request-id': requestId,
    }
    // Where the API is in the same process, the calls of one page would follow one another with nothing in between.
    await deps.turn()
    return deps.api(new Request(`${origin}${path}`, { ...init, headers }))
  }
  return {
    async get<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}) {
      const answer = await read<T>(await call(`${path}${queryText(query)}`))
      if (!answer.ok) throw throwable(answer.refusal)
      return answer.body
    },
    async send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) {
      if (body === undefined) return read<T>(await call(path, { method }))
      const headers = { 'content-type': 'application/json' }
      return read<T>(await call(path, { method, headers, body: JSON.stringify(body) }))
    },
    open: (path, headers, signal) => call(path, { headers, signal }),
  }
}

async function read<T>(response: Response): Promise<Answer<T>> {
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return { ok: true, status: response.status, body: body as T }
  const problem = (body ?? {}) as { code?: ProblemCode; detail?: string; errors?: Fault[] }
  const { code = 'unavailable', detail = 'Pollhook did not answer. Try again.', errors = [] } = problem
  return { ok: false, refusal: { code, detail, errors } }
}

/** `?a=b`, or nothing; what is undefined or empty is left out. */
export function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []))
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}
