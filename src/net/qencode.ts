/**
 * Asks Qencode for the status of tasks: one call out, one `StatusAnswer` back, whatever happens on the way.
 * Knows the wire, not what a status means, which host to ask or when.
 */
import { retryAfterMs } from '../core/backoff.ts'
import { hasMoreValues } from '../core/json-values.ts'
import { redact } from '../core/redact.ts'
import { errorNumber, isUnknownTokenEntry } from '../core/snapshot.ts'
import { within } from '../core/within.ts'
import type {
  Clock,
  StatusAnswer,
  Timers,
  Upstream,
  UpstreamFailure,
  UpstreamFetch,
  UpstreamResponse,
} from '../ports.ts'
import { runtimeTimers } from './timers.ts'

export interface UpstreamOptions {
  fetch: UpstreamFetch
  /** For one call, response body included. */
  timeoutMs: number
  userAgent: string
  /** After decompression; 16 MiB unless told (CONTRACT §5.5). */
  bodyBytesMax?: number
  /** Default: `setTimeout`. */
  timers?: Timers
  /** Only for a `Retry-After` that is a date. */
  now?: Clock
}

/** Of 16 MiB there may be eight million, which parsed take more memory than a small machine has. */
const valuesMax = 2_000_000

/** An answer's message goes to the log. */
const messageCharsMax = 300
/** An answer may have 16 MiB of it. */
const messageCharsReadMax = 16_384

export function createUpstream(options: UpstreamOptions): Upstream {
  const settings = { bodyBytesMax: 16 * 1024 * 1024, now: Date.now, ...options }
  const timers = options.timers ?? runtimeTimers
  return {
    status(origin, tokens) {
      const aborter = new AbortController()
      const answer = call(settings, { origin, tokens, signal: aborter.signal })
      // Not left to the signal alone: the limit holds even where a body ignores an abort.
      return within(timers, options.timeoutMs, answer, () => {
        aborter.abort()
        return failed('timeout')
      })
    },
  }
}

type Settings = Required<Pick<UpstreamOptions, 'fetch' | 'userAgent' | 'bodyBytesMax' | 'now'>>

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
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        'user-agent': settings.userAgent,
      },
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
    if (body === null || hasMoreValues(body, valuesMax)) return failed('too_large')
    return readAnswer(body, tokens, () => waitOf(response, settings.now))
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

function readAnswer(body: string, tokens: readonly string[], retryAfter: () => number | null): StatusAnswer {
  const parsed = parse(body, tokens)
  if (parsed === null) return failed('unreadable')
  const { answer, statuses } = parsed
  const code = errorNumber(answer.error)
  if (code === 8) return { kind: 'busy', retryAfterMs: retryAfter() }
  if (code !== null) return { kind: 'error', code, message: messageOf(answer) }
  return statuses === null ? failed('unreadable') : { kind: 'statuses', statuses: known(statuses, tokens) }
}

interface Parsed {
  answer: Record<string, unknown>
  /** In the order of the tokens; null when the answer has none. */
  statuses: readonly unknown[] | null
}

/** @returns null when the body is no JSON object */
function parse(body: string, tokens: readonly string[]): Parsed | null {
  const placed = withPlaces(body, tokens)
  const byPlace = placed && parseObject(placed)
  const inOrder = byPlace && statusesByPlace(byPlace.statuses, tokens.length)
  if (byPlace && inOrder) return { answer: byPlace, statuses: inOrder }
  const answer = parseObject(body)
  const statuses = mapOrNull(answer?.statuses)
  return answer && { answer, statuses: statuses && statusesByToken(statuses, tokens) }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return objectOrNull(JSON.parse(text))
  } catch {
    return null
  }
}

/** A name that could be taken for a place, its digits escaped or not. None has ten digits: there V8 would run out of stack. */
const placeName = /"(?:\d|\\u003\d){1,9}"\s*:/

/**
 * The answer with each token's place in the call for its name, when they stand in that order: an object of a hundred
 * names that V8 has not met costs several times as much to parse as one of a hundred numbers (docs/performance.md).
 */
function withPlaces(body: string, tokens: readonly string[]): string | null {
  if (placeName.test(body)) return null
  let text = ''
  let from = 0
  for (let place = 0; place < tokens.length; place++) {
    const token = tokens[place] as string
    const at = body.indexOf(token, from)
    if (at === -1 || !isName(body, at, at + token.length)) return null
    text += body.slice(from, at) + place
    from = at + token.length
  }
  return text + body.slice(from)
}

function isName(body: string, from: number, to: number): boolean {
  return body[from - 1] === '"' && body.startsWith('":', to)
}

/** @returns null unless there are the places and nothing else: only then was each token replaced where it names a status */
function statusesByPlace(value: unknown, count: number): unknown[] | null {
  const statuses = objectOrNull(value)
  if (statuses === null || Object.keys(statuses).length !== count) return null
  const inOrder: unknown[] = []
  for (let place = 0; place < count; place++) {
    if (!Object.hasOwn(statuses, place)) return null
    inOrder.push(statuses[place])
  }
  return inOrder
}

function statusesByToken(statuses: Record<string, unknown>, tokens: readonly string[]): unknown[] {
  const asWritten = new Map(Object.entries(statuses))
  if (tokens.every((token) => asWritten.has(token))) return tokens.map((token) => asWritten.get(token))
  // Nothing says that upstream repeats a token as it was written (upstream/QENCODE.md).
  const inLowerCase = new Map([...asWritten].map(([name, status]) => [name.toLowerCase(), status]))
  return tokens.map((token) => inLowerCase.get(token))
}

/** Only what was asked for: an answer must not create or move other tasks. */
function known(
  statuses: readonly unknown[],
  tokens: readonly string[],
): Map<string, Record<string, unknown>> {
  const entries = new Map<string, Record<string, unknown>>()
  for (const [place, token] of tokens.entries()) {
    const entry = objectOrNull(statuses[place])
    if (entry !== null && !isUnknownTokenEntry(entry)) entries.set(token, entry)
  }
  return entries
}

/** Upstream may quote the tokens it refuses, also amid other hex; a whole token must not reach a log (CONTRACT §5.7). */
function messageOf({ message, error_description: description }: Record<string, unknown>): string | null {
  const text = [message, description].find((value) => typeof value === 'string')
  if (typeof text !== 'string') return null
  const short = text
    .slice(0, messageCharsReadMax)
    .replace(/[a-f0-9]{32}/gi, (token) => `${token.slice(0, 6)}…`)
  return redact(short).slice(0, messageCharsMax).toWellFormed()
}

/** PHP writes a map without entries as `[]`. */
function mapOrNull(value: unknown): Record<string, unknown> | null {
  return Array.isArray(value) && value.length === 0 ? {} : objectOrNull(value)
}

function objectOrNull(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown> | null) : null
}

function failed(reason: UpstreamFailure): StatusAnswer {
  return { kind: 'failed', reason }
}
