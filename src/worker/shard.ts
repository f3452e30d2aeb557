/**
 * One shard: a Durable Object that holds a whole relay over its own SQLite. Engine, store, migrations and API are
 * those of Node, unchanged; this file brings timers, the alarm and the object's life cycle.
 */
import { DurableObject } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import migrations from '../../migrations/migrations.js'
import manifest from '../../package.json' with { type: 'json' }
import type { Commands } from '../commands.ts'
import type { Config } from '../config.ts'
import { isSamePlace, type Place } from '../core/ids.ts'
import { userAgentOf } from '../core/user-agent.ts'
import { createApp } from '../http/app.ts'
import { createAuthenticator } from '../keys/api-keys.ts'
import { databaseFingerprint } from '../keys/derive.ts'
import { createSessions } from '../keys/sessions.ts'
import { publishedKeys } from '../keys/signing-key.ts'
import { createVault } from '../keys/vault.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { createUpstream } from '../net/qencode.ts'
import { createWebSigner } from '../net/web-signer.ts'
import type { Log, Timers } from '../ports.ts'
import { createRelay, type Relay } from '../relay.ts'
import { allPlaces } from '../shards/places.ts'
import type { OwnerSettings } from '../shards/settings.ts'
import { claimDatabase } from '../store/claim.ts'
import { migrate } from '../store/migrate.ts'
import type { EndpointRecord } from '../store/records.ts'
import * as schema from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { configurationOf } from './configuration.ts'
import { type Copies, createCopies, endpointDefaults } from './copies.ts'
import { createBatchingSender } from './deliverer.ts'
import { claimGeneration } from './generation.ts'
import { parsePlace, placeName, type Sharers, shareOf, shareOfEndpoint, sharersOf } from './place.ts'
import { createSettings, type Settings, type SettingsPeer } from './settings.ts'

const { version } = manifest

/** An alarm comes this long after the pass it stands in for: while the object is awake a timer is first. */
const alarmSlackMs = 2_000
/** The alarm handler stays while the next pass is nearer than this; then the object may be evicted. */
const stayMs = 10_000
/** And leaves after this long in any case: an alarm handler may run for 15 minutes. */
const stayMsMax = 60_000
/** One that is so late will not come: its retries are used up, as where the shard could not start for a while. */
const lateMsMax = 2 * stayMsMax

interface Running {
  relay: Relay
  copies: Copies
  settings: Settings
  app: { fetch(request: Request): Response | Promise<Response> }
  log: Log
}

export class RelayShard extends DurableObject<Env> {
  #running: Running | null = null
  #alarmAt: number | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm()
      this.#running = await this.#start()
      this.#armAlarm()
    })
  }

  /** @throws in an object that did not start: what it has is not known, which is not nothing */
  get #started(): Running {
    if (this.#running === null) throw new Error('the shard did not start')
    return this.#running
  }

  async #start(): Promise<Running> {
    const { config: whole } = configurationOf(this.env)
    const place = parsePlace(this.ctx.id.name)
    await claimGeneration({
      kv: this.ctx.storage.kv,
      generations: whole.shards,
      place,
      askFirst: () => this.#shardAt({ ...place, shard: 0 }).holding([]),
    })
    const config = shareOf(whole, place)
    const jwks = await publishedKeys(config.signingKey)
    const log = createLog(config.logLevel, (line) => console.log(line.trimEnd()))
    const db = drizzle(this.ctx.storage, { schema })
    migrate(db, migrations)
    const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
    const vault = createVault(config.secrets, randomBytes)
    claimDatabase(db, config.secrets.map(databaseFingerprint), vault, place)
    const metrics = createMetrics(Date.now, { shard: placeName(place) })
    const held = new Set<number>()
    const relay = createRelay({
      db,
      config,
      place,
      upstream: createUpstream({
        fetch: (url, init) => fetch(url, init),
        timeoutMs: config.poll.timeoutMs,
        userAgent: userAgentOf(version),
      }),
      sender: createBatchingSender({
        deliver: (requests) => this.ctx.exports.Deliverer.deliver(requests),
        timers: this.#timers(),
        onFailed: (error) => log.error('a batch of callbacks was lost on its way', { error }),
      }),
      signer: createWebSigner({ signingKey: config.signingKey ?? undefined }),
      vault,
      now: Date.now,
      random: Math.random,
      randomBytes,
      timers: this.#timers(),
      log,
      version,
      observer: metrics.observer,
      endpointDefaults: (owner, id) => endpointDefaults(this.ctx.storage.kv, owner, id),
      wrapStore: (store) => shareEndpoints(store, sharersOf(config.shards, place), held),
    })
    metrics.watch(relay, () => this.ctx.storage.sql.databaseSize)
    const { copies, settings } = this.#createSettings(config, place, relay, { held, log })
    await copies.fetchMissing()
    relay.start()
    const commands = { ...relay.commands, ...settings.commands }
    const parts = { config, relay, commands, log, jwks, metrics: metrics.text, env: this.env }
    const app = createShardApp(parts)
    return { relay, copies, settings, app, log }
  }

  #createSettings(
    config: Config,
    place: Place,
    relay: Relay,
    { held, log }: { held: Set<number>; log: Log },
  ): Pick<Running, 'copies' | 'settings'> {
    const { HOMES } = this.env
    const others = allPlaces(config.shards).filter((other) => !isSamePlace(other, place))
    // A stub anew for each call: one that has failed, as when its shard died, fails from then on.
    const peers = others.map(
      (other): SettingsPeer => ({
        takeSettings: (owner, settings) => this.#shardAt(other).takeSettings(owner, settings),
        endpointOf: (owner, id) => this.#shardAt(other).endpointOf(owner, id),
      }),
    )
    const homeOf = (owner: string) => HOMES.get(HOMES.idFromName(owner))
    const copies = createCopies({ kv: this.ctx.storage.kv, homeOf, held, timers: this.#timers(), log }, relay)
    return { copies, settings: createSettings({ log, copies, peers, homeOf }, relay) }
  }

  #shardAt(place: Place): DurableObjectStub<RelayShard> {
    const { SHARDS } = this.env
    return SHARDS.get(SHARDS.idFromName(placeName(place)))
  }

  /** Timers hold while the object is awake; the alarm is the way back from an eviction or a crash. */
  #timers(): Timers {
    return {
      after: (ms, work) => {
        const timer = setTimeout(() => {
          work()
          this.#armAlarm()
        }, ms)
        return () => clearTimeout(timer)
      },
    }
  }

  /** Setting an alarm writes a row, so one that is early enough already stays: mostly that of the pass before. */
  #armAlarm(): void {
    const relay = this.#running?.relay
    if (relay === undefined) return
    const nextAt = isUnderWay(relay) ? Date.now() : relay.nextPassAt()
    if (nextAt === null) return
    const now = Date.now()
    const wanted = Math.max(nextAt, now) + alarmSlackMs
    if (this.#alarmAt !== null && this.#alarmAt <= wanted && now - this.#alarmAt < lateMsMax) return
    this.#alarmAt = wanted
    this.ctx.waitUntil(this.#setAlarm(wanted))
  }

  /** Never rejects: one that could not be set is at the next occasion. */
  async #setAlarm(at: number): Promise<void> {
    try {
      await this.ctx.storage.setAlarm(at)
    } catch (error) {
      this.#alarmAt = null
      this.#running?.log.error('the alarm could not be set', { error })
    }
  }

  /** Runs the passes for as long as there is work near; never throws, as six retries later there is silence. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null
    const running = this.#running
    if (running === null) return
    const leaveAt = Date.now() + stayMsMax
    try {
      running.relay.pass()
      while (this.#isBusy(running.relay) && Date.now() < leaveAt) {
        await new Promise((resolve) => setTimeout(resolve, alarmSlackMs / 2))
      }
    } catch (error) {
      running.log.error('the alarm failed', { error })
    }
    this.#armAlarm()
  }

  #isBusy(relay: Relay): boolean {
    const nextAt = relay.nextPassAt()
    return isUnderWay(relay) || (nextAt !== null && nextAt - Date.now() < stayMs)
  }

  /** The cron's call: whatever became of the alarm, the relay goes on. */
  async wake(versions: Record<string, number>): Promise<void> {
    const { relay, copies } = this.#started
    relay.pass()
    this.#armAlarm()
    await copies.catchUp(versions)
  }

  /** Which of these tasks are polled here. */
  async holding(tokens: string[]): Promise<string[]> {
    return [...this.#started.relay.store.watchesOf(tokens).keys()]
  }

  async takeSettings(owner: string, settings: OwnerSettings): Promise<void> {
    await this.#started.copies.take(owner, settings)
  }

  async endpointOf(owner: string, id: string): Promise<EndpointRecord | null> {
    return this.#started.settings.ownEndpoint(owner, id)
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await this.#started.app.fetch(request)
    this.#armAlarm()
    return response
  }
}

/** What calls and attempts that are under way lead to is in no plan of the passes: an eviction would end it. */
function isUnderWay(relay: Relay): boolean {
  return relay.pollCount() + relay.heldCount() > 0
}

/** @param held nothing is sent for these owners: for the engine their endpoints are paused */
function shareEndpoints(store: Store, sharers: Sharers, held: ReadonlySet<number>): Store {
  return {
    ...store,
    endpointState(id) {
      const endpoint = store.endpointState(id)
      if (endpoint === null) return null
      const share = shareOfEndpoint(endpoint, sharers)
      return held.has(endpoint.ownerId) ? { ...share, paused: true } : share
    },
  }
}

function createShardApp(parts: {
  config: Config
  relay: Relay
  commands: Commands
  log: Log
  jwks: object | null
  metrics: () => Promise<string>
  env: Env
}) {
  const { config, relay, commands, log, jwks, metrics, env } = parts
  const authenticate = createAuthenticator(config.apiKeys)
  // The dashboard is the router's; it calls with tickets.
  const sessions = createSessions(config, Date.now)
  const owners = new Map(relay.owners.map((owner) => [owner.name, owner]))
  return createApp({
    queries: relay.store,
    commands,
    authenticate: (key) => owners.get(authenticate(key) ?? sessions.ownerOf(key) ?? '') ?? null,
    now: Date.now,
    requestId: () => crypto.randomUUID(),
    log,
    policy: { callback: config.callbacks, status: config.upstream },
    watch: config.watch,
    jwks: () => jwks,
    transitions: relay.feed,
    every(ms, work) {
      const timer = setInterval(work, ms)
      return () => clearInterval(timer)
    },
    // An object is not told when it ends; its streams break and are opened again with Last-Event-ID.
    closing: new AbortController().signal,
    async docsAsset(name) {
      const response = await env.DOCS.fetch(`https://docs/${encodeURIComponent(name)}`)
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : null
    },
    metrics,
    version,
  })
}
