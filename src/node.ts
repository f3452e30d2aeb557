/**
 * Pollhook on Node: configuration from the environment, one SQLite file, undici for both directions,
 * @hono/node-server in front. Knows no domain rules.
 */
import { hash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { type Config, readConfig } from './config.ts'
import type { Place } from './core/ids.ts'
import type { SigningKey } from './core/signature.ts'
import { userAgentOf } from './core/user-agent.ts'
import { within } from './core/within.ts'
import { createDashboard, withDashboard } from './dashboard/app.ts'
import { createApp } from './http/app.ts'
import { createAuthenticator } from './keys/api-keys.ts'
import { databaseFingerprint } from './keys/derive.ts'
import { createSessions } from './keys/sessions.ts'
import { jwksOf, loadSigningKey, unsoundSigningKey } from './keys/signing-key.ts'
import { createVault } from './keys/vault.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createSender } from './net/node/send.ts'
import { createNodeSigner } from './net/node/signer.ts'
import { createUpstreamFetch } from './net/node/upstream-fetch.ts'
import { createUpstream } from './net/qencode.ts'
import { type Checkpoints, startCheckpoints } from './node/checkpoints.ts'
import { type OpenDatabase, openDatabase } from './node/database.ts'
import { databaseFault } from './node/database-fault.ts'
import { listenFault } from './node/listen-fault.ts'
import { createLineWriter } from './node/log-lines.ts'
import { createRandomBytes } from './node/random.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from './node/server.ts'
import { callbackLookupsMax } from './node/thread-pool.ts'
import { createTimers } from './node/timers.ts'
import { createTurnstile } from './node/turnstile.ts'
import { version } from './node/version.ts'
import type { Log, Timers } from './ports.ts'
import { createRelay, type Relay } from './relay.ts'
import { claimDatabase } from './store/claim.ts'

export interface NodePollhook {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string
  /** PORT=0 picked the port, and LOG_LEVEL leaves out the line that says which. */
  isUntold: boolean
  /** Finishes or gives up what is in flight, then takes no more requests and closes the file. */
  stop(): Promise<void>
}

/** A fault that the person who starts Pollhook can mend: one line each. */
export class BootError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[], cause?: unknown) {
    super(faults.join('\n'), { cause })
    this.name = 'BootError'
    this.faults = faults
  }
}

/** What is in flight gets this long at a stop, then it is given up and sent again after the next start. */
const drainMs = 10_000
/** What is left for the answers where all of that went by: whoever asks is answered all the same. */
const lastAnswersMs = 1_000
/** What was cut off then is settled in a moment, unless the disk is full: there it could take for ever. */
const settleMs = 2_000
const place: Place = { generation: 1, shard: 0 }
const require = createRequire(import.meta.url)

/** @throws BootError for configuration, a database or a port that cannot be used */
export async function startNode(
  env: Record<string, string | undefined>,
  write: (line: string) => void = createLineWriter(process.stdout),
): Promise<NodePollhook> {
  const read = readConfig(env)
  if (!read.ok) throw new BootError(read.faults)
  const { config } = read
  const log = createLog(config.logLevel, write)
  for (const warning of read.warnings) log.warn(warning)
  const signingKey = config.signingKey === null ? null : await soundSigningKey(config.signingKey)
  try {
    const database = bootStep('POLLHOOK_DB', () => openDatabase(config.databasePath))
    return await startOn(database, config, signingKey, log).catch((error: unknown) => {
      database.close()
      throw error
    })
  } catch (error) {
    // Whichever step came upon it.
    const fault = databaseFault(error, config.databasePath)
    throw fault === null ? error : new BootError([fault], error)
  }
}

async function startOn(
  database: OpenDatabase,
  config: Config,
  signingKey: SigningKey | null,
  log: Log,
): Promise<NodePollhook> {
  const randomBytes = createRandomBytes()
  const vault = createVault(config.secrets, randomBytes)
  bootStep('POLLHOOK_SECRET', () =>
    claimDatabase(database.db, config.secrets.map(databaseFingerprint), vault, place),
  )
  const sender = createSender({
    ...config.callbacks,
    concurrencyPerOrigin: config.delivery.endpointConcurrency,
    connectTimeoutMs: Math.min(10_000, config.delivery.timeoutMs),
    lookupsMax: callbackLookupsMax(),
  })
  const upstreamFetch = createUpstreamFetch(config.poll)
  const metrics = createMetrics(Date.now)
  const timers = createTimers()
  const relay = createRelay({
    observer: metrics.observer,
    db: database.db,
    config,
    place,
    upstream: createUpstream({ ...config.poll, fetch: upstreamFetch.fetch, userAgent: userAgentOf(version) }),
    sender,
    signer: createNodeSigner({ signingKey: config.signingKey ?? undefined }),
    vault,
    now: Date.now,
    random: Math.random,
    randomBytes,
    timers,
    log,
    version,
  })
  metrics.watch(relay, database.sizeBytes)
  const closing = new AbortController()
  const app = createNodeApp({
    config,
    relay,
    log,
    closing: closing.signal,
    timers,
    jwks: signingKey && jwksOf(signingKey),
    metrics: metrics.text,
  })
  const server = await listen(app, config, log)
  const url = urlOf(server, config.listen.host)
  let checkpoints: Checkpoints | null = null
  try {
    bootStep('POLLHOOK_DB', () => relay.start())
    if (config.databasePath !== ':memory:')
      checkpoints = startCheckpoints({ path: config.databasePath, database, log })
  } catch (error) {
    // Whoever asked meanwhile is better refused than answered by a relay whose database is closed.
    server.cut()
    await endsWithin(timers, settleMs, relay.stop())
    throw error
  }
  log.info('listening', { url, version, database: basename(config.databasePath) })
  return {
    url,
    isUntold: config.listen.port === 0 && ['warn', 'error'].includes(config.logLevel),
    async stop() {
      log.info('stopping', { in_flight: relay.heldCount() })
      // Still listening: /readyz tells whoever balances the load, and what is asked for is on disk as ever.
      const closed = endsWithin(timers, drainMs, relay.stop()).then(() => {
        // Event streams end with the port: by the standard an EventSource that is answered 503 never comes back.
        closing.abort()
        return server.close()
      })
      await endsWithin(timers, drainMs + lastAnswersMs, closed)
      server.cut()
      relay.cutOff()
      await Promise.all([sender.close(), upstreamFetch.close()])
      if (!(await endsWithin(timers, settleMs, relay.stop()))) tellUnsettled(relay, log)
      timers.end()
      await checkpoints?.stop()
      database.close()
      log.info('stopped')
    },
  }
}

function tellUnsettled(relay: Relay, log: Log): void {
  const attempts = relay.heldCount()
  if (attempts > 0)
    log.warn('stopping with attempts unsettled; they are made again after the next start', { attempts })
  else log.warn('stopping before all that waits for a recovered endpoint is due; it waits as it was planned')
}

async function soundSigningKey(text: string): Promise<SigningKey> {
  const key = await loadSigningKey(text)
  if (key !== null) return key
  throw new BootError([unsoundSigningKey])
}

function bootStep<T>(variable: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new BootError([message.startsWith(variable) ? message : `${variable}: ${message}`], error)
  }
}

function createNodeApp(parts: {
  config: Config
  relay: Relay
  log: Log
  closing: AbortSignal
  timers: Timers
  jwks: object | null
  metrics: () => Promise<string>
}) {
  const { config, relay } = parts
  const authenticate = createAuthenticator(config.apiKeys, (text) => hash('sha256', text, 'buffer'))
  const sessions = createSessions(config, Date.now)
  const owners = new Map(relay.owners.map((owner) => [owner.name, owner]))
  const docsFolder = dirname(require.resolve('swagger-ui-dist/package.json'))
  const app = createApp({
    queries: relay.store,
    commands: relay.commands,
    authenticate: (key) => owners.get(authenticate(key) ?? sessions.ownerOf(key) ?? '') ?? null,
    now: Date.now,
    requestId: randomUUID,
    log: parts.log,
    policy: { callback: config.callbacks, status: config.upstream },
    watch: config.watch,
    jwks: () => parts.jwks,
    metrics: parts.metrics,
    transitions: relay.feed,
    every(ms, work) {
      const timer = setInterval(work, ms)
      return () => clearInterval(timer)
    },
    closing: parts.closing,
    docsAsset: (name) =>
      readFile(join(docsFolder, basename(name))).then(
        (bytes) => new Uint8Array(bytes),
        () => null,
      ),
    version,
  })
  const dashboard = createDashboard({
    api: (request) => app.fetch(request),
    turn: createTurnstile(parts.timers),
    sessions,
    now: Date.now,
    requestId: randomUUID,
    log: parts.log,
    idiomorph: () => readFile(require.resolve('idiomorph/dist/idiomorph.min.js'), 'utf8').catch(() => null),
  })
  return withDashboard(dashboard, app.fetch)
}

function listen(fetch: HttpServerOptions['fetch'], config: Config, log: Log): Promise<HttpServer> {
  const { host: hostname, port } = config.listen
  const made = createHttpServer({ fetch, hostname, log })
  return new Promise((resolve, reject) => {
    made.server.once('error', (error) => reject(new BootError([listenFault(error, config.listen)])))
    made.server.listen(port, hostname, () => resolve(made))
  })
}

/** @returns whether it did */
function endsWithin(timers: Timers, ms: number, work: Promise<unknown>): Promise<boolean> {
  const ended = work.then(() => true)
  return within(timers, ms, ended, () => false)
}

function urlOf({ server }: HttpServer, host: string): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
