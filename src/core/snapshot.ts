/**
 * A task's state as Pollhook knows it, and one upstream status object read into the same terms.
 * Knows nothing of how the object was fetched or where the state is kept.
 */

/** Upstream's own ends (CONTRACT §5.6): after one of them the task is never polled again. */
export type UpstreamEnd = 'completed' | 'failed' | 'cancelled'

export interface TaskError {
  /** Upstream's number, 1 if it gave none. */
  code: number
  description: string | null
}

/**
 * One upstream status object, normalised. A key that upstream left out, sent as null or as the literal
 * string "None" is `null` here and means "no change" (upstream/QENCODE.md, "A status object").
 */
export interface Observation {
  /** The word after `task.`: `encoding`, `completed`, `unknown`…; null when upstream named no status. */
  status: string | null
  percent: number | null
  end: UpstreamEnd | null
  /** Set exactly when `end` is `failed`. */
  error: TaskError | null
  /** The raw `status_url` when it is a string; whether it may be used is decided elsewhere. */
  statusUrl: string | null
  /** The parsed status object as upstream sent it, for `result`. */
  raw: Record<string, unknown>
}

/** What upstream may call an end, and what Pollhook calls it (CONTRACT §3). A Map: `constructor` is no status. */
const ends: ReadonlyMap<string, UpstreamEnd> = new Map([
  ['completed', 'completed'],
  ['saved', 'completed'],
  ['error', 'failed'],
  ['failed', 'failed'],
  ['canceled', 'cancelled'],
  ['cancelled', 'cancelled'],
])

/** Words that mean something of Pollhook's own after `task.`, so upstream may not use them. */
const reserved: ReadonlySet<string> = new Set([
  'progress',
  'lost',
  'expired',
  'stalled',
  'resumed',
  'unknown',
])

const ranks: ReadonlyMap<string, number> = new Map([
  ['downloading', 0],
  ['created', 0],
  ['new', 0],
  ['started', 0],
  ['queued', 1],
  ['encoding', 2],
  ['processing', 2],
  ['saving', 3],
])

/** Longest `error_description` that is kept, in UTF-16 units: it is stored and sent with every attempt. */
const descriptionCharsMax = 4096

/**
 * Reads one status object. Upstream's types vary, so every key is checked by itself and nothing throws: what
 * cannot be read is missing. `error` beside any status, also beside `completed`, is a failure (CONTRACT §3).
 */
export function parseStatusEntry(raw: Record<string, unknown>): Observation {
  const word = statusWord(raw)
  const code = errorNumber(own(raw, 'error'))
  const end = code === null ? ((word === null ? null : ends.get(word)) ?? null) : 'failed'
  return {
    status: end ?? (word === null ? null : ownWord(word)),
    percent: parsePercent(own(raw, 'percent')),
    end,
    error: end === 'failed' ? { code: code ?? 1, description: parseDescription(raw) } : null,
    statusUrl: textOrNull(own(raw, 'status_url')),
    raw,
  }
}

/** What `parseStatusEntry` looks at of a task that goes on, as upstream sent it. */
export interface Reading {
  status: unknown
  percent: unknown
  error: unknown
  statusUrl: unknown
}

/** Longest text that is worth keeping for each of very many tasks. */
const readingCharsMax = 200

/** @returns null for one that would keep more in memory than a few short values */
export function readingOf({
  status,
  percent,
  error,
  status_url: statusUrl,
}: Record<string, unknown>): Reading | null {
  const reading = { status, percent, error, statusUrl }
  return Object.values(reading).every(isShort) ? reading : null
}

function isShort(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= readingCharsMax
  return value === null || typeof value !== 'object'
}

/** Does the object read as the one before did? Then, unless that was an end, it says nothing else. */
export function repeats(raw: Record<string, unknown>, before: Reading | null): boolean {
  return (
    before !== null &&
    raw.percent === before.percent &&
    raw.status === before.status &&
    raw.error === before.error &&
    raw.status_url === before.statusUrl
  )
}

/**
 * Does the entry say, with error 5 (not found or expired) or 13 (bad token) in place of a status, that
 * upstream does not know the token? That is no failed job (CONTRACT §5.4).
 */
export function isUnknownTokenEntry(raw: Record<string, unknown>): boolean {
  const code = errorNumber(own(raw, 'error'))
  return (code === 5 || code === 13) && statusWord(raw) === null
}

/** The order of CONTRACT §5.6; null for a status without a rank, ends included. */
export function statusRank(status: string | null): number | null {
  return status === null ? null : (ranks.get(status) ?? null)
}

/**
 * An `error` value as its non-zero number: a number, a numeric string, or `true` as 1. Null when there is no
 * error. Numbers that JSON cannot carry on (1e999) become 1.
 */
export function errorNumber(value: unknown): number | null {
  if (value === true) return 1
  if (typeof value === 'string') return errorNumber(decimal(value))
  if (typeof value !== 'number' || value === 0 || Number.isNaN(value)) return null
  return Number.isFinite(value) ? value : 1
}

function statusWord(raw: Record<string, unknown>): string | null {
  return textOrNull(own(raw, 'status'))?.trim().toLowerCase() ?? null
}

function ownWord(word: string): string {
  return /^[a-z][a-z0-9_]{0,31}$/.test(word) && !reserved.has(word) ? word : 'unknown'
}

function parsePercent(value: unknown): number | null {
  const percent = typeof value === 'string' ? decimal(value) : value
  return typeof percent === 'number' && Number.isFinite(percent) ? percent : null
}

function parseDescription(raw: Record<string, unknown>): string | null {
  // `toWellFormed` because the cut may go through a surrogate pair, which no UTF-8 text can hold.
  return textOrNull(own(raw, 'error_description'))?.slice(0, descriptionCharsMax).toWellFormed() ?? null
}

/**
 * Plain decimals only: `Number` alone would also take "", "0x10" and "Infinity". No two parts of the pattern take the same
 * digits, so a text of megabytes is read once.
 */
function decimal(text: string): number | null {
  return /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : null
}

/** "None" is how one of upstream's services writes null. */
function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && !/^\s*none\s*$/i.test(value) ? value : null
}

/** Only what upstream sent, nothing inherited. */
function own(raw: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(raw, key) ? raw[key] : undefined
}
