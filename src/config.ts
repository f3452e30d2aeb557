/**
 * The configuration of CONTRACT §1, read from environment variables or Worker vars. Everything is checked
 * and every fault reported at once; no fault repeats a key or a secret.
 */
import { readApiKeys, readSecrets, readSigningKey } from './config/keys.ts'
import { createReader, type Reader } from './config/reader.ts'
import { readShards, type ShardGeneration } from './config/shards.ts'
import { unknownVariables } from './config/unknown.ts'
import { parseCidrs } from './core/address.ts'
import { formatDuration } from './core/duration.ts'
import { type CallbackPolicy, parseHostPatterns, type StatusPolicy } from './core/target.ts'
import type { ApiKeyEntry } from './keys/api-keys.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Config {
  /** `port` 0 picks a free one. */
  listen: { host: string; port: number }
  databasePath: string
  /** The SHA-256 of each key; keys in clear are not kept. */
  apiKeys: ApiKeyEntry[]
  /** POLLHOOK_SECRET, newest first, 32 bytes or more each. */
  secrets: Uint8Array[]
  upstream: StatusPolicy
  poll: {
    intervalMs: number
    intervalMaxMs: number
    batch: number
    concurrency: number
    /** Calls to all masters together, where the runtime has few connections (docs/decisions/0016-calls-to-masters.md). */
    mastersConcurrency?: number
    timeoutMs: number
    lostAfterMs: number
  }
  watch: { defaultMs: number; maxMs: number }
  delivery: {
    timeoutMs: number
    concurrency: number
    endpointConcurrency: number
    retryScheduleMs: number[]
    retryScheduleInterimMs: number[]
  }
  callbacks: CallbackPolicy
  /** `whsk_…`, well-formed; whether its halves belong together is seen at boot. */
  signingKey: string | null
  ownerQuota: number
  retentionMs: number
  /** Newest first. */
  shards: ShardGeneration[]
  logLevel: LogLevel
}

export type ReadConfig =
  | { ok: true; config: Config; warnings: string[] }
  /** One line each: the variable, what is wrong with its value, an example. */
  | { ok: false; faults: string[] }

export type Environment = Readonly<Record<string, string | undefined>>

/** Every variable there is, in the order of the contract. */
export const variables = [
  'HOST',
  'PORT',
  'POLLHOOK_DB',
  'POLLHOOK_API_KEYS',
  'POLLHOOK_SECRET',
  'POLLHOOK_UPSTREAM_URL',
  'POLLHOOK_UPSTREAM_HOSTS',
  'POLLHOOK_POLL_INTERVAL',
  'POLLHOOK_POLL_INTERVAL_MAX',
  'POLLHOOK_POLL_BATCH',
  'POLLHOOK_POLL_CONCURRENCY',
  'POLLHOOK_POLL_TIMEOUT',
  'POLLHOOK_LOST_AFTER',
  'POLLHOOK_WATCH_DEFAULT',
  'POLLHOOK_WATCH_MAX',
  'POLLHOOK_DELIVERY_TIMEOUT',
  'POLLHOOK_DELIVERY_CONCURRENCY',
  'POLLHOOK_ENDPOINT_CONCURRENCY',
  'POLLHOOK_RETRY_SCHEDULE',
  'POLLHOOK_RETRY_SCHEDULE_INTERIM',
  'POLLHOOK_INSECURE_CALLBACKS',
  'POLLHOOK_PRIVATE_CALLBACKS',
  'POLLHOOK_SIGNING_KEY',
  'POLLHOOK_OWNER_QUOTA',
  'POLLHOOK_RETENTION',
  'POLLHOOK_SHARDS',
  'LOG_LEVEL',
] as const

/** Node makes 1 ms of a timer beyond 24.8 days, so that everything would time out at once. */
const timeoutRange = { minMs: 10, maxMs: 86_400_000 }

export function readConfig(env: Environment): ReadConfig {
  const read = createReader(env)
  const config: Config = {
    listen: {
      host: read.text('HOST', '127.0.0.1'),
      port: read.integer('PORT', 8080, { min: 0, max: 65_535 }),
    },
    databasePath: databasePath(read),
    apiKeys: readApiKeys(read),
    secrets: readSecrets(read),
    upstream: readUpstream(read),
    poll: readPoll(read),
    watch: {
      defaultMs: read.duration('POLLHOOK_WATCH_DEFAULT', '24h', { minMs: 1000 }),
      maxMs: read.duration('POLLHOOK_WATCH_MAX', '7d', { minMs: 1000 }),
    },
    delivery: readDelivery(read),
    callbacks: readCallbacks(read),
    signingKey: readSigningKey(read),
    ownerQuota: read.integer('POLLHOOK_OWNER_QUOTA', 100_000, { min: 1, max: 1_000_000_000 }),
    retentionMs: read.duration('POLLHOOK_RETENTION', '30d', { minMs: 1000 }),
    shards: readShards(read),
    logLevel: read.choice('LOG_LEVEL', 'info', ['debug', 'info', 'warn', 'error']),
  }
  crossCheck(read, config)
  const faults = read.faults()
  const unknown = unknownVariables(env, variables)
  // What is missing may be there under another name. What is nobody's slip is no reason for the fault.
  const slips = unknown.filter(({ isSlip }) => isSlip)
  return faults.length > 0
    ? { ok: false, faults: [...faults, ...slips.map(({ text }) => text)] }
    : { ok: true, config, warnings: unknown.map(({ text }) => text) }
}

/**
 * For what works on the file alone, without a configuration that a relay could start with.
 * @throws an Error whose message is the fault
 */
export function readDatabasePath(env: Environment): string {
  const read = createReader(env)
  const path = databasePath(read)
  const [fault] = read.faults()
  if (fault !== undefined) throw new Error(fault)
  return path
}

function databasePath(read: Reader): string {
  const path = read.text('POLLHOOK_DB', 'data/pollhook.db')
  const fault = (problem: string) => read.fault('POLLHOOK_DB', problem, '/var/lib/pollhook/pollhook.db')
  // Taken for names of folders they would make a new database that nobody looks for.
  if (path.startsWith('~/')) fault('begins with ~, which nobody but a shell reads')
  if (path.startsWith('file:')) fault('is a URL, not a path')
  return path
}

function readUpstream(read: Reader): Config['upstream'] {
  const fallback = 'https://api.qencode.com'
  const url = URL.parse(read.text('POLLHOOK_UPSTREAM_URL', fallback))
  const plain =
    url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  const usable = plain && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/'
  if (!usable) read.fault('POLLHOOK_UPSTREAM_URL', 'is not an http or https origin without a path', fallback)
  const parsed = parseHostPatterns(
    read.text('POLLHOOK_UPSTREAM_HOSTS', '*.qencode.com', { emptyAllowed: true }),
  )
  for (const fault of parsed.ok ? [] : parsed.faults)
    read.fault('POLLHOOK_UPSTREAM_HOSTS', `has a bad pattern: ${fault}`, '*.qencode.com,10.0.0.7:8443')
  return { apiOrigin: usable ? url.origin : fallback, hostPatterns: parsed.ok ? parsed.patterns : [] }
}

function readPoll(read: Reader): Config['poll'] {
  return {
    intervalMs: read.duration('POLLHOOK_POLL_INTERVAL', '5s', { minMs: 10 }),
    intervalMaxMs: read.duration('POLLHOOK_POLL_INTERVAL_MAX', '30s', { minMs: 10 }),
    batch: read.integer('POLLHOOK_POLL_BATCH', 100, { min: 1, max: 10_000 }),
    concurrency: read.integer('POLLHOOK_POLL_CONCURRENCY', 4, { min: 1, max: 1000 }),
    timeoutMs: read.duration('POLLHOOK_POLL_TIMEOUT', '20s', timeoutRange),
    lostAfterMs: read.duration('POLLHOOK_LOST_AFTER', '10m', { minMs: 1 }),
  }
}

function readDelivery(read: Reader): Config['delivery'] {
  return {
    timeoutMs: read.duration('POLLHOOK_DELIVERY_TIMEOUT', '15s', timeoutRange),
    concurrency: read.integer('POLLHOOK_DELIVERY_CONCURRENCY', 256, { min: 1, max: 10_000 }),
    endpointConcurrency: read.integer('POLLHOOK_ENDPOINT_CONCURRENCY', 64, { min: 1, max: 10_000 }),
    retryScheduleMs: read.durations('POLLHOOK_RETRY_SCHEDULE', '5s,5m,30m,2h,5h,10h,10h'),
    retryScheduleInterimMs: read.durations('POLLHOOK_RETRY_SCHEDULE_INTERIM', '5s,30s'),
  }
}

function readCallbacks(read: Reader): Config['callbacks'] {
  const parsed = parseCidrs(read.text('POLLHOOK_PRIVATE_CALLBACKS', '', { emptyAllowed: true }))
  for (const fault of parsed.ok ? [] : parsed.faults)
    read.fault('POLLHOOK_PRIVATE_CALLBACKS', `has a bad network: ${fault}`, '127.0.0.0/8,::1/128')
  return {
    insecure: read.choice('POLLHOOK_INSECURE_CALLBACKS', 'false', ['true', 'false']) === 'true',
    privateCidrs: parsed.ok ? parsed.cidrs : [],
  }
}

function crossCheck(read: Reader, { poll, watch }: Config): void {
  checkOrder(
    read,
    ['POLLHOOK_POLL_INTERVAL', poll.intervalMs],
    ['POLLHOOK_POLL_INTERVAL_MAX', poll.intervalMaxMs],
  )
  checkOrder(read, ['POLLHOOK_WATCH_DEFAULT', watch.defaultMs], ['POLLHOOK_WATCH_MAX', watch.maxMs])
}

type NamedMs = readonly [name: string, ms: number]

/** Whoever set one of the two meant it, so the advice is to move the other. */
function checkOrder(read: Reader, [low, lowMs]: NamedMs, [high, highMs]: NamedMs): void {
  if (lowMs <= highMs || !read.isSound(low) || !read.isSound(high)) return
  const lowText = formatDuration(lowMs)
  const highText = formatDuration(highMs)
  if (read.raw(low) === undefined) {
    read.fault(low, `is ${lowText}, longer than ${high}, which is ${highText}`, highText)
  } else {
    read.fault(high, `is ${highText}, shorter than ${low}, which is ${lowText}`, lowText)
  }
}
