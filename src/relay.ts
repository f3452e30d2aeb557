/**
 * The composition root: one relay from its ports. Portable; which timers, sockets and database driver it
 * runs on is the runtime's choice (node.ts, worker.ts, the simulation).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Commands } from './commands.ts'
import type { Config } from './config.ts'
import { boundedCache } from './core/bounded-cache.ts'
import type { Place } from './core/ids.ts'
import { originOf, parseStatusUrl } from './core/target.ts'
import { userAgentOf } from './core/user-agent.ts'
import { type AttemptDeps, attemptDelivery } from './engine/attempt.ts'
import { createClockWatch } from './engine/clock-watch.ts'
import { createCommands } from './engine/commands.ts'
import { createDeliverer } from './engine/deliver.ts'
import type { SettledAttempt } from './engine/deliver-ports.ts'
import { createFeed, type Feed } from './engine/feed.ts'
import { createLoop } from './engine/loop.ts'
import { createMaintenance } from './engine/maintenance.ts'
import { createPoller } from './engine/poll.ts'
import { createQuota } from './engine/quota.ts'
import { createSigningSecrets } from './keys/derive.ts'
import { shortToken } from './log.ts'
import type { Clock, Log, Random, Sender, Signer, Timers, Upstream, Vault } from './ports.ts'
import type { FinishedDelivery } from './store/context.ts'
import type { PollRecord } from './store/polls.ts'
import type { EndpointPatch, Owner } from './store/records.ts'
import { createStore, type Store } from './store/store.ts'
import type { Database } from './store/transaction.ts'
import { tellingWriteFailures, type Write } from './store/write-failures.ts'

export interface RelayDeps {
  /** Migrated already. */
  db: Database
  config: Config
  place: Place
  upstream: Upstream
  sender: Sender
  signer: Signer
  vault: Vault
  now: Clock
  random: Random
  /** Cryptographically random bytes. */
  randomBytes(length: number): Uint8Array
  timers: Timers
  log: Log
  version: string
  observer?: RelayObserver
  /** Settings that an owner gave an endpoint before this relay knew it (DESIGN §5). */
  endpointDefaults?(ownerName: string, endpointId: string): EndpointPatch | undefined
  /** What the engine is given in place of the store: the simulation watches, and breaks, its verbs. */
  wrapStore?(store: Store): Store
}

/** What happens, for whoever counts it. */
export interface RelayObserver {
  recorded(records: readonly PollRecord[], at: number): void
  settled(attempts: readonly SettledAttempt[], at: number): void
  /** A delivery was made: of a change, the state at registration, an expiry or a test. */
  created(): void
  /** A delivery ended without an attempt of its own: superseded, cancelled, exhausted by its endpoint. */
  finished(delivery: FinishedDelivery): void
  /** How late a batch of polls began. */
  lagged(lagMs: number): void
  called(call: { api: boolean; tokens: number; outcome: string; durationMs: number }): void
  /** A commit failed: the disk is full or broken, or SQLite refuses what was to be written. */
  writeFailed(what: Write): void
}

export interface Relay {
  store: Store
  commands: Commands
  feed: Feed
  owners: readonly Owner[]
  /** Reads the schedule from the database and begins. */
  start(): void
  /** Both passes, side by side. @returns when they want to run again; null when only an event can need them */
  pass(): number | null
  /** When the passes run next; null when nothing is planned. */
  nextPassAt(): number | null
  /** Takes nothing more; resolves when nothing is under way. */
  stop(): Promise<void>
  /** After `stop`, before the connections are cut: attempts and polls that end so count for nothing and are made again. */
  cutOff(): void
  taskCount(): number
  /** Polls under way, until what they learned is on disk: no plan of the passes has them. */
  pollCount(): number
  /** Attempts under way, or whose outcome is not on disk yet. */
  heldCount(): number
}

export function createRelay(deps: RelayDeps): Relay {
  const { config, now, random, log } = deps
  const { db, place, vault } = deps
  const whole = createStore({
    db,
    place,
    vault,
    randomText: (length) => randomText(deps.randomBytes(length)),
    endpointPublicId,
    ...(deps.endpointDefaults && { endpointDefaults: deps.endpointDefaults }),
    onCreated: () => deps.observer?.created(),
    onFinished: (delivery) => deps.observer?.finished(delivery),
    lastSuccessAt: (endpointId) => deliverer.lastSuccessAt(endpointId),
  })
  const store = tellingWriteFailures(deps.wrapStore?.(whole) ?? whole, (what) =>
    deps.observer?.writeFailed(what),
  )
  const owners = store.ensureOwners([...new Set(config.apiKeys.map(({ owner }) => owner))])
  const secretsUnder = createSigningSecrets(config.secrets)
  const secretsOf = (ownerId: number, n: number) => secretsUnder(store.ownerName(ownerId), n)
  const quota = createQuota(config.ownerQuota, store.countOpen)

  const lookAtClock = createClockWatch({
    now,
    log,
    onSetBack(byMs) {
      // First what is on disk: where that fails, the whole is tried again.
      deliverer.clockWentBack(byMs)
      poller.clockWentBack(byMs)
    },
  })
  const timers: Timers = {
    after: (ms, work) =>
      deps.timers.after(ms, () => {
        lookAtClock()
        work()
      }),
  }
  const feed = createFeed(timers)

  const poller = createPoller({
    store,
    upstream: { status: (origin, tokens) => deps.upstream.status(origin, tokens).finally(lookAtClock) },
    now,
    random,
    timers,
    log,
    settings: { ...config.poll, apiOrigin: config.upstream.apiOrigin },
    statusOrigin: (url) => {
      const parsed = parseStatusUrl(url, config.upstream)
      return parsed.ok ? parsed.origin : null
    },
    inFlight: (id) => deliverer.isHeld(id),
    onRecorded(records) {
      report(log, records)
      for (const { released } of records) quota.released(released)
      deliverer.touch(new Set(records.flatMap(({ queued }) => queued.map(({ endpointId }) => endpointId))))
      // At once: a pass later the next answers would be read first.
      loop.run()
      feed.publish(records.map(({ token }) => token))
      deps.observer?.recorded(records, now())
    },
    onCall: (call) => deps.observer?.called(call),
    onBatch: (lagMs) => deps.observer?.lagged(lagMs),
    wake: () => loop.wake(),
  })

  const { delivery } = config
  /** Commands so far that may change what is wanted, where it goes or what signs it. */
  let changes = 0
  const attemptDeps: AttemptDeps = {
    sender: deps.sender,
    signer: deps.signer,
    vault,
    place,
    signingSecrets: (ownerId: number) =>
      store.secretNumbers(ownerId, now()).flatMap(({ n }) => secretsOf(ownerId, n)),
    recheck(id: number) {
      const [one] = store.dueDeliveries([id], now())
      return one === undefined || deliverer.isPaused(one.endpointId) ? null : one
    },
    changes: () => changes,
    userAgent: userAgentOf(deps.version),
    timeoutMs: delivery.timeoutMs,
  }
  const deliverer = createDeliverer({
    store,
    attempt: (taken, at) => attemptDelivery(attemptDeps, taken, at).finally(lookAtClock),
    now,
    random,
    timers,
    log,
    settings: {
      ...delivery,
      schedules: { terminalMs: delivery.retryScheduleMs, interimMs: delivery.retryScheduleInterimMs },
    },
    onSettled(settled) {
      for (const one of settled) logAttempt(log, one)
      const gone = settled.flatMap((one) => one.gone ?? [])
      if (gone.length > 0) {
        for (const { released } of gone) quota.released(released)
        const tokens = gone.map(({ taskToken }) => taskToken)
        poller.reload(tokens)
        feed.publish(tokens)
      }
      deps.observer?.settled(settled, now())
    },
    wake: () => loop.wake(),
  })

  const loop = createLoop({ now, timers, log, passes: [() => poller.pass(), () => deliverer.pass()] })
  const maintenance = createMaintenance({ store, now, random, timers, log, retentionMs: config.retentionMs })
  const commands = createCommands({
    store,
    poller,
    deliverer,
    quota,
    now,
    timers,
    secretsOf,
    onTouched: feed.publish,
    onChanged() {
      changes++
    },
    withdraw: async (subscriptionId) => deps.sender.withdraw?.(subscriptionId),
    ready: loop.running,
  })

  return {
    store,
    commands,
    feed,
    owners,
    start() {
      store.supersedeStale(now())
      poller.start()
      deliverer.start()
      maintenance.start()
      log.info('relay started')
      loop.start()
    },
    pass: loop.run,
    nextPassAt: loop.nextAt,
    async stop() {
      loop.stop()
      maintenance.stop()
      deliverer.stop()
      await Promise.all([poller.idle(), deliverer.idle()])
    },
    cutOff() {
      poller.cutOff()
      deliverer.cutOff()
    },
    taskCount: poller.taskCount,
    pollCount: poller.pollCount,
    heldCount: deliverer.heldCount,
  }
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

/** One character a byte; 36 does not divide 256, a bias of no matter for ids that need only be distinct. */
function randomText(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += alphabet[byte % alphabet.length]
  return text
}

/** Registrations name the same few endpoints again and again; an entry is a few hundred bytes. */
const endpointIdsMax = 10_000

const idOfEndpoint = boundedCache(
  endpointIdsMax,
  (ownerAndOrigin) => `ep_${bytesToHex(sha256(utf8ToBytes(ownerAndOrigin))).slice(0, 24)}`,
)

/** The same in every shard, so that lists can merge them (DESIGN §5). */
function endpointPublicId(ownerName: string, origin: string): string {
  return idOfEndpoint(`${ownerName}\n${origin}`)
}

function report(log: Log, records: readonly PollRecord[]): void {
  for (const { token, changes } of records) {
    for (const { type, status, percent } of changes) {
      log.info('transition', { task: shortToken(token), type, status, percent })
    }
  }
}

function logAttempt(log: Log, one: SettledAttempt): void {
  const { delivery, outcome, durationMs, state } = one
  const fields = {
    task: shortToken(delivery.taskToken),
    webhook_id: delivery.webhookId,
    type: delivery.type,
    attempt: delivery.attempts + 1,
    origin: originOf(one.url),
    outcome: outcome.kind,
    code: 'statusCode' in outcome ? outcome.statusCode : outcome.errorCode,
    duration_ms: durationMs,
    state,
  }
  if (outcome.kind === 'accepted') log.debug('attempt', fields)
  else log.info('attempt', fields)
}
