/**
 * What the simulated service answers to a call, as data: faults included, not yet HTTP. The numbers are
 * Qencode's; the wording of messages is a guess but for "Token not found", which Qencode's client looks for.
 */
import type { CallFault, EntryFault, FaultBook } from './faults.ts'
import type { Job, Jobs, Run, StartOptions } from './jobs.ts'
import { isEnded } from './lifecycle.ts'
import { apiEntry, createdEntry, masterEntry } from './status-entry.ts'

export type Reply =
  | { kind: 'json'; body: Record<string, unknown>; retryAfterSeconds?: number }
  | { kind: 'html'; status: number }
  | { kind: 'reset' }
  | { kind: 'never' }

/** `api`, or the index of a master. */
export type Host = 'api' | number

const tokenPattern = /^[a-f0-9]{32}$/

export function errorReply(code: number, message: string): Reply {
  return { kind: 'json', body: { error: code, message } }
}

export function answerAccessToken(jobs: Jobs, form: URLSearchParams): Reply {
  const key = form.get('api_key')
  if (key === null || key === '') return errorReply(14, 'api_key is required')
  // The real service knows its keys; here any is good, except one that says that it is not.
  if (key.startsWith('bad')) return errorReply(3, 'API key not found')
  const { token, expiresAt } = jobs.openSession()
  // The form of `expire` is a guess: only that it begins with the year is known.
  const expire = new Date(expiresAt).toISOString().slice(0, 19).replace('T', ' ')
  return { kind: 'json', body: { error: 0, token, expire } }
}

export function answerCreateTask(jobs: Jobs, form: URLSearchParams): Reply {
  const session = form.get('token')
  if (session === null) return errorReply(14, 'token is required')
  // Qencode's Node client opens a new session when it reads exactly this message.
  if (!jobs.hasSession(session)) return errorReply(5, 'Token not found')
  const upload_url = 'https://storage.example/v1/upload_file'
  return { kind: 'json', body: { error: 0, upload_url, task_token: jobs.create().token } }
}

export function answerStartEncode(jobs: Jobs, form: URLSearchParams): Reply {
  const token = form.get('task_token')
  if (token === null) return errorReply(14, 'task_token is required')
  const job = jobs.get(token)
  if (job === null) return errorReply(5, 'Token not found')
  const query = form.get('query')
  if (query === null || query === '') return errorReply(19, 'query is required')
  const source = sourceOf(query)
  if (source === undefined) return errorReply(19, 'query is not valid JSON')
  // Whether the real service lets a job be started twice is not known; here the first start stands.
  const run = job.run ?? jobs.start(job, startOptions(source, form.get('payload')))
  return { kind: 'json', body: { error: 0, status_url: run.statusUrl } }
}

/** Qencode's client wraps what it sends in one more `query`. Undefined when it is no JSON object. */
function sourceOf(query: string): unknown {
  try {
    const parsed: unknown = JSON.parse(query)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const inner = (parsed as Record<string, unknown>).query ?? parsed
    return (inner as Record<string, unknown>).source ?? null
  } catch {
    return undefined
  }
}

/** A source under `.invalid` (RFC 2606) cannot be downloaded, so such a job fails: handy with curl. */
function startOptions(source: unknown, payload: string | null): StartOptions {
  const host = typeof source === 'string' ? URL.parse(source)?.hostname : undefined
  return {
    ...(payload === null ? {} : { payload }),
    ...(host?.endsWith('.invalid')
      ? { fails: { at: 0.05, description: 'Failed to download source video' } }
      : {}),
  }
}

export interface StatusCall {
  host: Host
  tokens: readonly string[]
}

export interface StatusDeps {
  jobs: Jobs
  faults: FaultBook
}

export interface StatusResult {
  latencyMs: number
  reply: Reply
  /** What went wrong with the call as a whole, for the record. */
  fault: CallFault['kind'] | 'dead_master' | null
}

export function answerStatus({ jobs, faults }: StatusDeps, call: StatusCall): StatusResult {
  if (call.host !== 'api') {
    const dead = deadMaster({ jobs, faults }, call.host)
    if (dead !== null) return { latencyMs: 0, reply: { kind: dead }, fault: 'dead_master' }
  }
  const mishap = faults.strike({ host: call.host === 'api' ? 'api' : 'master', tokens: call.tokens })
  const { latencyMs } = mishap
  if (mishap.call !== null) return { latencyMs, reply: faultReply(mishap.call), fault: mishap.call.kind }
  return { latencyMs, reply: statusReply(jobs, call, mishap.entries), fault: null }
}

/** Null while the master lives, else how its calls end. */
function deadMaster({ jobs, faults }: StatusDeps, master: number): 'reset' | 'never' | null {
  if (!faults.anyDeadMaster()) return null
  for (const { token, run } of jobs.onMaster(master)) {
    const fault = faults.deadMaster(token)
    if (fault !== null && jobs.elapsedMs(run) >= (fault.at ?? 0.5) * run.plan.completedAtMs) {
      return fault.hangs === true ? 'never' : 'reset'
    }
  }
  return null
}

function faultReply(fault: CallFault): Reply {
  switch (fault.kind) {
    case 'timeout':
      return { kind: 'never' }
    case 'reset':
      return { kind: 'reset' }
    case 'server_error':
      return { kind: 'html', status: fault.status ?? 503 }
    case 'html':
      return { kind: 'html', status: 200 }
    case 'busy':
      return busyReply(fault.retryAfterSeconds)
    case 'bad_token':
      return errorReply(13, 'Bad task_tokens value')
  }
}

/** "Wait as told" is documented, how it is told is not: a Retry-After header is a guess. */
function busyReply(retryAfterSeconds: number | undefined): Reply {
  const body = { error: 8, message: 'System is busy, please try again later' }
  return { kind: 'json', body, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }
}

function statusReply(jobs: Jobs, call: StatusCall, entryFaults: ReadonlyMap<string, EntryFault>): Reply {
  if (call.tokens.length === 0) return errorReply(14, 'task_tokens is required')
  // One malformed token spoils the whole call.
  if (!call.tokens.every((token) => tokenPattern.test(token))) return errorReply(13, 'Bad task_tokens value')
  const statuses: Record<string, unknown> = {}
  for (const token of call.tokens) {
    const fault = entryFaults.get(token)
    if (fault === 'missing_entry') continue
    // That an unknown token is null, and another master's too, is a guess.
    statuses[token] = fault === 'null_entry' ? null : entryOf(jobs, call.host, token, fault === 'regression')
  }
  return { kind: 'json', body: { error: 0, statuses } }
}

function entryOf(jobs: Jobs, host: Host, token: string, regresses: boolean): unknown {
  const job = jobs.get(token)
  if (job === null) return null
  if (job.run === null) return host === 'api' ? createdEntry() : null
  if (host !== 'api' && job.run.master !== host) return null
  const state = stateFor(jobs, job.run, regresses)
  const entry = entryJob(job, job.run)
  return host === 'api' ? apiEntry(entry, state) : masterEntry(entry, state)
}

function stateFor(jobs: Jobs, run: Run, regresses: boolean) {
  const state = jobs.stateOf(run)
  return regresses && !isEnded(state) ? jobs.stateOf(run, run.plan.completedAtMs / 4) : state
}

function entryJob(job: Job, run: Run) {
  return { token: job.token, statusUrl: run.statusUrl, payload: job.payload }
}
