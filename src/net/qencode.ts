/**
 * Asks Qencode for the status of tasks: one call out, one `StatusAnswer` back, whatever happens on the way.
 * Knows the wire, not what a status means, which host to ask or when.
 */
import { retryAfterMs } from '../core/backoff.ts'
import { errorNumber, isUnknownTokenEntry } from '../core/snapshot.ts'
import type {
  Clock,
  StatusAnswer,
  Upstream,
  UpstreamFailure,
  UpstreamFetch,
  UpstreamResponse,
} from '../ports.ts'

export interface UpstreamOptions {
  fetch: UpstreamFetch
  /** For one call, response body included. */
  timeoutMs: number
  /** After decompression; 16 MiB unless told (CONTRACT §5.5). */
  bodyBytesMax?: number
  /** Calls back once after `ms`, unless the returned function was called before. */
  setTimer?: (callback: () => void, ms: number) => () => void
  /** Only for a `Retry-After` that is a date. */
  now?: Clock
}

/** An answer's message goes to the log. */
const messageCharsMax = 300

export function createUpstream(options: UpstreamOptions): Upstream {
  const setTimer = options.setTimer ?? globalTimer
  const settings = { bodyBytesMax: 16 * 1024 * 1024, now: Date.now, ...options }
  return {
    async status(origin, tokens) {
      const aborter = new AbortController()
      const timeout = Promise.withResolvers<StatusAnswer>()
      const cancelTimer = setTimer(() => {
        timeout.resolve(failed('timeout'))
        aborter.abort()
      }, options.timeoutMs)
      // Raced rather than left to the signal alone: the limit holds even where a body ignores an abort.
      const answer = await Promise.race([
        call(settings, { origin, tokens, signal: aborter.signal }),
        timeout.promise,
      ])
      cancelTimer()
      return answer
    },
  }
}

function globalTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

type Settings = Required<Pick<UpstreamOptions, 'fetch' | 'bodyBytesMax' | 'now'>>

interface Call {
  origin: string
  tokens: readonly string[]
  signal: AbortSignal
}

/** Never rejects: what `fetch` or the body throws is a network failure. */
async function call(settings: Settings, { origin, tokens, signal }: Call): Promise<StatusAnswer> {
  try {
    const response = await settings.fetch(`${origin}/v1/status`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: formBody(tokens),
      redirect: 'manual',
      signal,
    })
    const early = answerOfHead(response, settings.now)
    if (early !== null) {
      await discard(response)
      return early
    }
    const body = await readBody(response, settings.bodyBytesMax)
    if (body === null) return failed('too_large')
    return readAnswer(body, { tokens, retryAfter: () => waitOf(response, settings.now) })
  } catch {
    return failed('network')
  }
}

/**
 * `task_tokens` for one and `task_tokens[]` for several (upstream/QENCODE.md, "The call"). Tokens are hexadecimal
 * digits: there is nothing to encode.
 */
function formBody(tokens: readonly string[]): string {
  const name = tokens.length === 1 ? 'task_tokens' : 'task_tokens[]'
  return `${name}=${tokens.join(`&${name}=`)}`
}

/** What status line and headers decide by themselves; null when the body is to be read. */
function answerOfHead(response: UpstreamResponse, now: Clock): StatusAnswer | null {
  const { status } = response
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) return failed('redirect')
  if (status >= 500) return failed('server_error')
  return status === 429 ? { kind: 'busy', retryAfterMs: waitOf(response, now) } : null
}

function waitOf(response: UpstreamResponse, now: Clock): number | null {
  return retryAfterMs(response.headers.get('retry-after'), now())
}

/** Lets go of the connection; that it may already be gone does not matter. */
async function discard({ body }: UpstreamResponse): Promise<void> {
  await body?.cancel().catch(() => undefined)
}

/** @returns null when the body is longer than `bytesMax`, without reading the rest */
async function readBody({ body }: UpstreamResponse, bytesMax: number): Promise<string | null> {
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) return null
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function readAnswer(
  body: string,
  { tokens, retryAfter }: { tokens: readonly string[]; retryAfter: () => number | null },
): StatusAnswer {
  const answer = parseObject(body)
  if (answer === null) return failed('unreadable')
  const code = errorNumber(answer.error)
  if (code === 8) return { kind: 'busy', retryAfterMs: retryAfter() }
  if (code !== null) return { kind: 'error', code, message: messageOf(answer) }
  if (!isObject(answer.statuses)) return failed('unreadable')
  return { kind: 'statuses', statuses: knownEntries(answer.statuses, tokens) }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Only what was asked for: an answer must not create or move other tasks. */
function knownEntries(
  statuses: Record<string, unknown>,
  tokens: readonly string[],
): Map<string, Record<string, unknown>> {
  const byToken = tokens.every((token) => Object.hasOwn(statuses, token)) ? statuses : lowerCaseKeys(statuses)
  const entries = new Map<string, Record<string, unknown>>()
  for (const token of tokens) {
    const entry = byToken[token]
    if (isObject(entry) && !isUnknownTokenEntry(entry)) entries.set(token, entry)
  }
  return entries
}

/** Nothing says that upstream repeats a token as it was written (upstream/QENCODE.md). */
function lowerCaseKeys(statuses: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(statuses).map(([key, entry]) => [key.toLowerCase(), entry]))
}

/** Upstream may quote the tokens it refuses; a whole token must not reach a log (CONTRACT §5.7). */
function messageOf(answer: Record<string, unknown>): string | null {
  const text = [answer.message, answer.error_description].find((value) => typeof value === 'string')
  if (typeof text !== 'string') return null
  return text
    .replace(/[a-f0-9]{32}/gi, (token) => `${token.slice(0, 6)}…`)
    .slice(0, messageCharsMax)
    .toWellFormed()
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function failed(reason: UpstreamFailure): StatusAnswer {
  return { kind: 'failed', reason }
}
