/**
 * JSON log lines over LogTape, with a net below every call: nothing that looks like a task token, a signing
 * secret or an API key leaves whole. Where the line goes is the runtime's choice.
 */
import { configureSync, getLogger, type LogRecord, resetSync } from '@logtape/logtape'
import type { LogLevel } from './config.ts'
import type { Log } from './ports.ts'

const lineCharsMax = 8_000
const depthMax = 4
const tokenCharsShown = 6

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
  return {
    debug: (message, fields = {}) => logger.debug(message, { ...fields }),
    info: (message, fields = {}) => logger.info(message, { ...fields }),
    warn: (message, fields = {}) => logger.warn(message, { ...fields }),
    error: (message, fields = {}) => logger.error(message, { ...fields }),
  }
}

function format(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString()
  const level = record.level === 'warning' ? 'warn' : record.level
  const base = { time, level, message: redact(String(record.rawMessage)) }
  const line = JSON.stringify({ ...(clean(record.properties, 0) as object), ...base })
  if (line.length <= lineCharsMax) return line
  return JSON.stringify({ ...base, truncated: redact(line.slice(0, lineCharsMax)) })
}

/** Copies a field for the log: strings redacted, errors as data, nothing too deep. */
function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return cleanError(value, depth)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return '[deeper]'
  if (Array.isArray(value)) return value.map((entry) => clean(entry, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [redact(key), clean(entry, depth + 1)]),
  )
}

function cleanError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const plain = { name, message: redact(message), ...(stack === undefined ? {} : { stack: redact(stack) }) }
  return cause === undefined || depth >= depthMax ? plain : { ...plain, cause: clean(cause, depth + 1) }
}

const secrets: readonly [RegExp, string][] = [
  [/\b([a-f0-9]{6})[a-f0-9]{26}\b/g, '$1…'],
  [/\bwhs(ec|k)_[A-Za-z0-9+/=_-]+/g, 'whs$1_…'],
  [/\b(Bearer)\s+\S+/gi, '$1 …'],
]

function redact(text: string): string {
  return secrets.reduce((clean, [pattern, shown]) => clean.replace(pattern, shown), text)
}
