/**
 * JSON log lines over LogTape, with a net below every call: nothing that looks like a task token, a signing
 * secret or an API key leaves whole. Where the line goes is the runtime's choice.
 */
import { configureSync, getLogger, type LogRecord, resetSync } from '@logtape/logtape'
import type { LogLevel } from './config.ts'
import { redact } from './core/redact.ts'
import type { Log } from './ports.ts'

const lineCharsMax = 8_000
const textCharsMax = 3_000
const listEntriesMax = 50
const depthMax = 4
const tokenCharsShown = 6

/** Least important first. */
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** A task token as it may appear in logs (CONTRACT §5.7). */
export function shortToken(token: string): string {
  return `${token.slice(0, tokenCharsShown)}…`
}

/** LogTape is configured once for the process: a second call replaces the first. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  resetSync()
  configureSync({
    reset: true,
    sinks: { out: (record) => write(`${format(record)}\n`) },
    loggers: [
      { category: ['logtape', 'meta'], sinks: [], parentSinks: 'override' },
      { category: 'pollhook', sinks: ['out'], lowestLevel: level === 'warn' ? 'warning' : level },
    ],
  })
  const logger = getLogger('pollhook')
  // LogTape finds out at each call that a level is not wanted; here that is known once.
  const at = (name: LogLevel): Log[LogLevel] =>
    levels.indexOf(name) < levels.indexOf(level)
      ? () => {}
      : (message, fields = {}) => logger[name](message, { ...fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function format(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString()
  const level = record.level === 'warning' ? 'warn' : record.level
  const base = { time, level, message: text(String(record.rawMessage)) }
  // Named once in front for the reader and once at the end, so that no field takes their place.
  const line = JSON.stringify({ ...base, ...cleanEntries(record.properties, 0), ...base })
  if (line.length <= lineCharsMax) return line
  const fields = Object.keys(record.properties).slice(0, listEntriesMax).map(redact)
  const short = JSON.stringify({ ...base, truncated: true, fields })
  return short.length <= lineCharsMax ? short : JSON.stringify({ ...base, truncated: true })
}

/** Copies a field for the log: strings redacted and cut, errors as data, nothing too deep or too long. */
function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return cleanError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString()
  if (value instanceof URL) return text(value.href)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= depthMax) return '[deeper]'
  if (Array.isArray(value)) return value.slice(0, listEntriesMax).map((entry) => clean(entry, depth + 1))
  return cleanEntries(value, depth)
}

function cleanEntries(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).slice(0, listEntriesMax)
  return Object.fromEntries(
    entries.map(([key, entry]) => [
      redact(key),
      secretField.test(key) && typeof entry === 'string' ? '…' : clean(entry, depth + 1),
    ]),
  )
}

function cleanError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const plain = { name, message: text(message), ...(stack === undefined ? {} : { stack: text(stack) }) }
  return cause === undefined || depth >= depthMax ? plain : { ...plain, cause: clean(cause, depth + 1) }
}

/** Fields whose whole value is a secret, whatever it looks like. */
const secretField = /^(authorization|cookie|set-cookie|secret|password|api_?key|signing_?key)$/i

/** Redacted before it is cut, so that no half of a token remains. */
function text(value: string): string {
  const clean = redact(value)
  return clean.length > textCharsMax ? `${clean.slice(0, textCharsMax)}…` : clean
}
