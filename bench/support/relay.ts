/** A whole relay on Node for a measurement: real file, real sockets, an upstream that the measurement scripts. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { readConfig } from '../../src/config.ts'
import { databaseFingerprint } from '../../src/keys/derive.ts'
import { createVault } from '../../src/keys/vault.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createSender } from '../../src/net/node/send.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import { startCheckpoints } from '../../src/node/checkpoints.ts'
import { openDatabase } from '../../src/node/database.ts'
import { callbackLookupsMax } from '../../src/node/thread-pool.ts'
import type { Timers, Upstream } from '../../src/ports.ts'
import { createRelay, type Relay, type RelayObserver } from '../../src/relay.ts'
import { claimDatabase } from '../../src/store/claim.ts'
import { makeFolder } from './cleanup.ts'

export interface BenchRelay {
  relay: Relay
  /** The owner to register for. */
  ownerId: number
  close(): Promise<void>
}

const timers: Timers = {
  after(ms, work) {
    if (ms <= 0) {
      const immediate = setImmediate(work)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}

export function openRelay(options: {
  env?: Record<string, string>
  upstream: Upstream
  observer?: Partial<RelayObserver>
  /** A file that is kept; without it, one that goes with `close`. */
  path?: string
  /** Default: as the relay opens it, full. */
  synchronous?: 'full' | 'normal'
}): BenchRelay {
  const read = readConfig({
    POLLHOOK_API_KEYS: `bench=${randomBytes(20).toString('hex')}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: 'http://127.0.0.1:1',
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
    ...options.env,
  })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  const { config } = read
  const { folder, remove } = makeFolder()
  const path = options.path ?? join(folder, 'bench.db')
  const database = openDatabase(path)
  if (options.synchronous === 'normal') database.db.run(sql`pragma synchronous = normal`)
  // As the relay logs and counts, but that the lines go nowhere.
  const log = createLog(config.logLevel, () => {})
  const metrics = createMetrics(Date.now)
  const checkpoints = startCheckpoints({ path, database, log })
  const place = { generation: 1, shard: 0 }
  const vault = createVault(config.secrets, randomBytes)
  claimDatabase(database.db, config.secrets.map(databaseFingerprint), vault, place)
  const sender = createSender({
    ...config.callbacks,
    concurrencyPerOrigin: config.delivery.endpointConcurrency,
    connectTimeoutMs: Math.min(10_000, config.delivery.timeoutMs),
    lookupsMax: callbackLookupsMax(),
  })
  const relay = createRelay({
    db: database.db,
    config,
    place,
    upstream: options.upstream,
    sender,
    signer: createNodeSigner({}),
    vault,
    now: Date.now,
    random: Math.random,
    randomBytes,
    timers,
    log,
    version: '0',
    observer: both(metrics.observer, options.observer ?? {}),
  })
  return {
    relay,
    ownerId: relay.owners[0]?.id ?? 0,
    async close() {
      const stopped = relay.stop()
      await sender.close()
      await stopped
      await checkpoints.stop()
      database.close()
      remove()
    },
  }
}

function both(first: RelayObserver, second: Partial<RelayObserver>): RelayObserver {
  return {
    recorded(records, at) {
      first.recorded(records, at)
      second.recorded?.(records, at)
    },
    settled(attempts, at) {
      first.settled(attempts, at)
      second.settled?.(attempts, at)
    },
    created: first.created,
    finished: first.finished,
    lagged: first.lagged,
    called(call) {
      first.called(call)
      second.called?.(call)
    },
    writeFailed: first.writeFailed,
  }
}
