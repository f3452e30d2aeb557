/**
 * Asks Qencode for the status of tasks: one call out, one `StatusAnswer` back, whatever happens on the way.
 * Knows the wire, not what a status means, which host to ask or when.
 */
import { retryAfterMs } from '../core/backoff.ts'
import { errorNumber, isUnknownTokenEntry } from '../core/snapshot.ts'
import type {
  Clock,
  SeenEntries,
  StatusAnswer,
  Upstream,
  UpstreamFailure,
  UpstreamFetch,
  UpstreamResponse,
} from '../ports.ts'
import { membersOf } from './json-members.ts'

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
    async status(origin, tokens, seen = () => undefined) {
      const aborter = new AbortController()
      const timeout = Promise.withResolvers<StatusAnswer>()
      const cancelTimer = setTimer(() => {
        timeout.resolve(failed('timeout'))
        aborter.abort()
      }, options.timeoutMs)
      // Raced rather than left to the signal alone: the limit holds even where a body ignores an abort.
      const answer = await Promise.race([
        call(settings, { origin, tokens, seen, signal: aborter.signal }),
        timeout.promise,
      ])
      cancelTimer()
      return answer
    },
    repeats: (status) => source in status,
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
  seen: SeenEntries
  signal: AbortSignal
}

/** Never rejects: what `fetch` or the body throws is a network failure. */
async function call(settings: Settings, { origin, tokens, seen, signal }: Call): Promise<StatusAnswer> {
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
    return readAnswer(body, { tokens, seen, retryAfter: () => waitOf(response, settings.now) })
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

interface Asked {
  tokens: readonly string[]
  seen: SeenEntries
  retryAfter(): number | null
}

function readAnswer(body: string, asked: Asked): StatusAnswer {
  const members = membersOf(body)
  if (members === null) return failed('unreadable')
  try {
    const code = errorNumber(parsed(members.get('error')))
    if (code === 8) return { kind: 'busy', retryAfterMs: asked.retryAfter() }
    if (code !== null) return { kind: 'error', code, message: messageOf(JSON.parse(body)) }
    const texts = membersOf(members.get('statuses') ?? '')
    return texts === null ? failed('unreadable') : { kind: 'statuses', statuses: knownEntries(texts, asked) }
  } catch {
    // A piece that is not JSON.
    return failed('unreadable')
  }
}

function parsed(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}

/** Only what was asked for: an answer must not create or move other tasks. */
function knownEntries(
  texts: ReadonlyMap<string, string>,
  { tokens, seen }: Asked,
): Map<string, Record<string, unknown>> {
  const byToken = tokens.every((token) => texts.has(token)) ? texts : lowerCaseKeys(texts)
  const entries = new Map<string, Record<string, unknown>>()
  for (const token of tokens) {
    const text = byToken.get(token)
    const entry = text === undefined ? null : entryOf(text, seen(token))
    if (isObject(entry) && !isUnknownTokenEntry(entry)) entries.set(token, entry)
  }
  return entries
}

/** Where an entry keeps the text it was parsed from: not in its JSON, and seen by nobody else. */
const source = Symbol('source')
/** A longer one, with renditions in it, is not kept: neither the text nor the object that was parsed from it. */
const sourceCharsMax = 1_000
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** @returns `before` itself when it was parsed from the same text */
function entryOf(
  text: string,
  before: (Record<string, unknown> & { [source]?: string }) | undefined,
): unknown {
  if (before?.[source] === text) return before
  const entry: unknown = JSON.parse(text)
  if (!isObject(entry) || text.length > sourceCharsMax) return entry
  // A copy: a piece of the body would keep all of it in memory.
  return Object.defineProperty(entry, source, { value: decoder.decode(encoder.encode(text)) })
}

/** Nothing says that upstream repeats a token as it was written (upstream/QENCODE.md). */
function lowerCaseKeys(texts: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...texts].map(([key, text]) => [key.toLowerCase(), text]))
}

/** Upstream may quote the tokens it refuses; a whole token must not reach a log (CONTRACT §5.7). */
function messageOf({ message, error_description: description }: Record<string, unknown>): string | null {
  const text = [message, description].find((value) => typeof value === 'string')
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
