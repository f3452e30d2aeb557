/** The whole relay on real SQLite in memory, with scripted upstream and receivers, under a clock that tests move. */
import { randomBytes } from 'node:crypto'
import { readConfig } from '../../src/config.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { createVault } from '../../src/keys/vault.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import { openDatabase } from '../../src/node/database.ts'
import type { Log, Random, SendRequest, Signer, StatusAnswer } from '../../src/ports.ts'
import { createRelay, type Relay, type RelayObserver } from '../../src/relay.ts'
import type {
  DeliveryDetail,
  EndpointPatch,
  EndpointRecord,
  SubscriptionInput,
  SubscriptionRecord,
} from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import type { Database } from '../../src/store/transaction.ts'
import { createVirtualClock } from '../sim/clock.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

export const apiOrigin = 'https://api.qencode.com'
export const masterOrigin = 'https://master-1.qencode.com'

export interface Sent {
  /** Milliseconds since the world began. */
  at: number
  url: string
  id: string
  type: string
  seq: number | null
  subscriptionId: string
  request: SendRequest
  /** What a sender asks once it has a connection. */
  isWanted(): boolean
}

export interface Call {
  at: number
  origin: string
  tokens: readonly string[]
}

export interface EngineWorld {
  relay(): Relay
  db: Database
  ownerId: number
  /** What upstream says of a token; others are `encoding`. Null: it does not know it. */
  statuses: Map<string, Record<string, unknown> | null>
  /** Replaced by tests; the default answers from `statuses`. */
  upstream: { answer(origin: string, tokens: readonly string[]): StatusAnswer | Promise<StatusAnswer> }
  /** Replaced by tests; the default accepts. */
  receiver: { answer(sent: Sent): Outcome | null | Promise<Outcome | null> }
  calls: Call[]
  sent: Sent[]
  elapsed(): number
  run(ms: number): Promise<void>
  /** Moves the wall clock, not time. */
  step(ms: number): void
  /** Runs what a command needs to be done. */
  after<T>(work: Promise<T>): Promise<T>
  register(more?: Partial<SubscriptionInput>): Promise<SubscriptionRecord>
  /** Upstream says so from now on; returns when a poll has seen it. */
  change(token: string, status: Record<string, unknown> | null): Promise<void>
  /** An answer that takes its time. */
  later<T>(ms: number, answer: T): Promise<T>
  subscription(id: string): SubscriptionRecord
  /** Oldest first. */
  deliveries(subscription: { id: string }): DeliveryDetail[]
  endpoint(origin?: string): EndpointRecord
  /** The process dies: nothing that was under way comes back. */
  crash(): void
  /** A new process on the same file. */
  start(): void
}

export const accepted: Outcome = { kind: 'accepted', statusCode: 204, responseBody: null }
export const timedOut: Outcome = { kind: 'unreachable', errorCode: 'timeout' }

export function rejected(statusCode: number, retryAfter: string | null = null): Outcome {
  return { kind: 'rejected', statusCode, retryAfter, responseBody: null }
}

/** An answer that never comes. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}

export const newToken = () => randomBytes(16).toString('hex')

/** So many subscriptions at one endpoint, each with one terminal event on its way. */
export async function completeTasks(
  world: EngineWorld,
  count: number,
  callbackUrl?: string,
): Promise<SubscriptionRecord[]> {
  const tokens = Array.from({ length: count }, newToken)
  for (const token of tokens) world.statuses.set(token, { status: 'completed' })
  return Promise.all(
    tokens.map((taskToken) => world.register({ taskToken, ...(callbackUrl && { callbackUrl }) })),
  )
}

/** A task that a first poll finds in this state: of which one event has gone out. */
export async function registered(world: EngineWorld, status: string) {
  const token = newToken()
  world.statuses.set(token, { status })
  const made = await world.register({ taskToken: token })
  await world.run(second)
  return { made, token }
}

/** What its owner changes of an endpoint is in effect. */
export function patchEndpoint(world: EngineWorld, changes: EndpointPatch, origin?: string) {
  const { id } = world.endpoint(origin)
  return world.after(world.relay().commands.updateEndpoint(world.ownerId, id, changes))
}

/** A test of this subscription is queued. */
export function sendTest(world: EngineWorld, subscriptionId: string) {
  return world.after(world.relay().commands.sendTest(world.ownerId, subscriptionId))
}

/** Of all that was sent, in that order. */
export const types = (world: EngineWorld) => world.sent.map(({ type }) => type)

export function openWorld(
  env: Record<string, string> = {},
  options: {
    wrapStore?(store: Store): Store
    observer?: RelayObserver
    database?: string
    signer?: Signer
    random?: Random
    log?: Log
    /** As a runtime sets it that allows few connections. */
    mastersConcurrency?: number
  } = {},
): EngineWorld {
  const read = readConfig({
    POLLHOOK_API_KEYS: 'acme=a-key-for-the-engine-tests',
    POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    ...env,
  })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  const { mastersConcurrency } = options
  const poll = { ...read.config.poll, ...(mastersConcurrency !== undefined && { mastersConcurrency }) }
  const config = { ...read.config, poll }
  const clock = createVirtualClock()
  const { db } = openDatabase(options.database ?? ':memory:')
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  let life = { dead: false }

  const world: EngineWorld = {
    relay: () => relay,
    db,
    ownerId: 0,
    statuses: new Map(),
    upstream: { answer: (_origin, tokens) => fromStatuses(world.statuses, tokens) },
    receiver: { answer: () => accepted },
    calls: [],
    sent: [],
    elapsed: clock.elapsed,
    run: (ms) => clock.run(clock.elapsed() + ms),
    step: clock.step,
    async after(work) {
      await clock.run(clock.elapsed())
      return work
    },
    async register(more = {}) {
      const [result] = await world.after(relay.commands.subscribe([inputOf(world.ownerId, more)]))
      if (result?.kind !== 'created') throw new Error(`not registered: ${JSON.stringify(result)}`)
      return result.subscription
    },
    async change(token, status) {
      world.statuses.set(token, status)
      const asked = () => world.calls.filter(({ tokens }) => tokens.includes(token)).length
      const before = asked()
      while (asked() === before) await world.run(second)
    },
    later: (ms, answer) => new Promise((resolve) => clock.after(ms, () => resolve(answer))),
    subscription: (id) => relay.store.subscription(world.ownerId, id)!,
    deliveries({ id }) {
      const page = relay.store.listDeliveries(world.ownerId, { subscriptionId: id, limit: 200, cursor: null })
      return page.data.map((one) => relay.store.delivery(world.ownerId, one.id)!).reverse()
    },
    endpoint(origin = 'https://app.example.com') {
      const page = relay.store.listEndpoints(world.ownerId, { limit: 200, cursor: null }, clock.now())
      return page.data.find((one) => one.origin === origin)!
    },
    crash() {
      life.dead = true
    },
    start() {
      life = { dead: false }
      relay = open(life)
      relay.start()
    },
  }

  /** Whatever belongs to a dead process waits for ever. */
  function open(mine: { dead: boolean }): Relay {
    const alive = async <T>(answer: Promise<T>): Promise<T> => {
      const value = await answer
      return mine.dead ? never<T>() : value
    }
    return createRelay({
      db,
      config,
      place: { generation: 1, shard: 0 },
      upstream: {
        async status(origin, tokens) {
          world.calls.push({ at: clock.elapsed(), origin, tokens })
          return alive(Promise.resolve(world.upstream.answer(origin, tokens)))
        },
      },
      sender: {
        send(request, isWanted = () => true) {
          const sent = { ...sentOf(request, clock.elapsed()), isWanted }
          world.sent.push(sent)
          return alive(Promise.resolve(world.receiver.answer(sent)))
        },
      },
      signer: createNodeSigner({}),
      vault: createVault(config.secrets, randomBytes),
      now: clock.now,
      // The middle: a jitter of ±20 % is none.
      random: () => 0.5,
      randomBytes,
      timers: { after: (ms, work) => clock.after(ms, () => !mine.dead && work()) },
      log: quiet,
      version: '0.0.0',
      ...options,
    })
  }

  let relay = open(life)
  world.ownerId = relay.owners[0]!.id
  relay.start()
  return world
}

function fromStatuses(
  statuses: ReadonlyMap<string, Record<string, unknown> | null>,
  tokens: readonly string[],
): StatusAnswer {
  const known = tokens.flatMap((token): [string, Record<string, unknown>][] => {
    const entry = statuses.has(token) ? statuses.get(token)! : { status: 'encoding' }
    return entry === null ? [] : [[token, entry]]
  })
  return { kind: 'statuses', statuses: new Map(known) }
}

function inputOf(ownerId: number, more: Partial<SubscriptionInput>): SubscriptionInput {
  return {
    ownerId,
    taskToken: newToken(),
    callbackUrl: 'https://app.example.com/hook',
    statusUrl: null,
    events: ['*'],
    percentStep: 1,
    metadata: {},
    secret: null,
    expiresInMs: 24 * hour,
    ...more,
  }
}

function sentOf(request: SendRequest, at: number): Omit<Sent, 'isWanted'> {
  const { type, data } = JSON.parse(request.body)
  const id = request.headers['webhook-id']!
  return { at, url: request.url, id, type, seq: data.seq, subscriptionId: data.subscription_id, request }
}
