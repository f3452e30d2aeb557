/**
 * One simulation: the whole relay on real SQLite under a virtual clock, with everything around it scripted
 * by the seed. Faults for a while, then all is healed, the queues drain, and the promise is checked.
 */
import { createHash } from 'node:crypto'
import { type Config, readConfig } from '../../src/config.ts'
import type { Sender, Signer, Upstream } from '../../src/ports.ts'
import type { Relay } from '../../src/relay.ts'
import type { Store } from '../../src/store/store.ts'
import { checkAll } from './check.ts'
import { createVirtualClock } from './clock.ts'
import { statement } from './database.ts'
import { drawFaults, type Fault, type FaultMix } from './faults.ts'
import { emptyHistory, type History } from './history.ts'
import { drawJobs } from './jobs.ts'
import { createMachine, isScripted } from './machine.ts'
import { createMonitor, type Monitor } from './monitor.ts'
import { createRng, type Rng } from './random.ts'
import { createReceivers } from './receivers.ts'
import { readRemains } from './remains.ts'
import { createUpstreamScript } from './upstream.ts'
import { createUsers } from './users.ts'
import type { World } from './world.ts'

/** A deliberate bug, put between the relay and what it is given. */
export interface Mutation {
  name: string
  /** The clause of the contract that it breaks. */
  rule: string
  /** A seed under which it shows, where the usual one does not show it; tried first. */
  shownBy?: number
  /** Faults without which it would not show. */
  needs?: readonly Fault[]
  store?(store: Store, world: World): Store
  sender?(sender: Sender, world: World): Sender
  upstream?(upstream: Upstream, world: World): Upstream
  signer?(signer: Signer): Signer
  /** What the relay believes to be configured. */
  config?(config: Config): Config
}

export interface Simulation {
  seed: number
  faults: string[]
  violations: string[]
  /** The same for the same seed, always. */
  hash: string
  trace: string[]
  history: History
}

const drainMsMax = 12 * 60 * 60 * 1000
const restAfterMs = 30_000

export async function simulate(seed: number, mutation?: Mutation): Promise<Simulation> {
  const random = createRng(seed)
  const faults = new Set([...drawFaults(random.fork('faults')), ...(mutation?.needs ?? [])])
  const config = drawConfig(random.fork('config'))
  const history = emptyHistory(seed, faults, config)
  const trace: string[] = []
  const { world, parts, spanMs } = buildWorld({ random, faults, config, history, trace }, mutation)
  const { machine, users, monitor } = parts

  machine.boot()
  scheduleUsers(world, users, machine.relay, spanMs)
  scheduleMachineFaults(world, machine, spanMs)
  try {
    await world.clock.run(spanMs)
    machine.heal()
    world.trace('healed')
    await world.clock.run(drainMsMax, () => machine.relay() !== null)
    history.healedAt = world.moment()
    const relay = machine.relay()
    if (relay !== null) await users.letGo(relay)
    await drain(world)
  } catch (error) {
    world.violate('no busy loop', String(error))
  }
  history.restAt = world.moment()
  for (const token of new Set([...history.created.values()].map((one) => one.token))) monitor.excuse(token)
  const violations = [...history.violations, ...checkAll(history, readRemains(world.sqlite()), parts.jobs)]
  machine.shutDown()
  const hash = createHash('sha256').update(trace.join('\n')).digest('hex')
  return { seed, faults: [...faults], violations, hash, trace, history }
}

function buildWorld(
  given: { random: Rng; faults: FaultMix; config: Config; history: History; trace: string[] },
  mutation: Mutation | undefined,
) {
  const { random, faults, config, history, trace } = given
  const clock = createVirtualClock()
  const spanMs = random.fork('span').pick([5, 10, 20]) * 60_000
  let order = 0
  let monitor: Monitor | null = null
  const world: World = {
    random,
    clock,
    faults,
    config,
    history,
    trace(text) {
      trace.push(`${(clock.elapsed() / 1000).toFixed(3).padStart(9)} [${machine.lives()}] ${text}`)
    },
    moment: () => ({
      order: order++,
      at: clock.elapsed(),
      wall: clock.now(),
      incarnation: machine.lives(),
    }),
    violate(rule, what) {
      history.violations.push(`${rule}: ${what} (at ${(clock.elapsed() / 1000).toFixed(3)} s)`)
      world.trace(`VIOLATION ${rule}: ${what}`)
    },
    healed: () => machine.healed(),
    crashPoint: (where) => machine.crashPoint(where),
    sqlite: () => machine.sqlite(),
    rows: <T>(sql: string, ...values: (string | number)[]) =>
      statement(machine.sqlite(), sql).all(...values) as T[],
    connectionBusy: () => machine.sqlite().inTransaction,
    commits: () => machine.commits(),
    calling: (poll) => monitor?.calling(poll),
    answered: (poll) => monitor?.answered(poll),
  }
  const jobs = drawJobs(random.fork('jobs'), faults, random.fork('count').int(3, 10), spanMs)
  monitor = createMonitor(world)
  const users = createUsers(world, jobs, monitor.excuse)
  const upstream = createUpstreamScript(world, jobs, spanMs)
  const receivers = createReceivers(world, users, spanMs)
  const machine = createMachine({ world, monitor, upstream, receivers, mutation })
  return { world, spanMs, parts: { machine, users, monitor, jobs } }
}

/** Short schedules and small limits, so that each of them is reached. */
function drawConfig(random: Rng): Config {
  const secret = Buffer.from(random.bytes(32)).toString('base64')
  const read = readConfig({
    POLLHOOK_API_KEYS: 'acme=key-of-acme-0123456789abcdef,bravo=key-of-bravo-0123456789abcde',
    POLLHOOK_SECRET: secret,
    POLLHOOK_POLL_BATCH: String(random.pick([1, 3, 8])),
    POLLHOOK_POLL_CONCURRENCY: String(random.pick([1, 2, 4])),
    POLLHOOK_LOST_AFTER: '2m',
    POLLHOOK_ENDPOINT_CONCURRENCY: String(random.pick([2, 4, 8])),
    POLLHOOK_RETRY_SCHEDULE: '5s,30s,2m,5m',
    POLLHOOK_RETRY_SCHEDULE_INTERIM: '5s,30s',
    POLLHOOK_OWNER_QUOTA: String(random.fork('quota').pick([4, 1000, 1000])),
  })
  if (!read.ok) throw new Error(read.faults.join('; '))
  return read.config
}

function scheduleUsers(
  world: World,
  users: ReturnType<typeof createUsers>,
  relay: () => Relay | null,
  spanMs: number,
): void {
  const random = world.random.fork('times')
  const run = (act: (relay: Relay) => Promise<void>) => () => {
    const running = relay()
    if (running === null) return
    act(running).catch((error: unknown) => {
      world.trace(`api failed ${String(error)}`)
      // What a dying relay leaves unanswered, or a full disk refuses, is a client's fate.
      if (!isScripted(error)) world.violate('no errors', `a command: ${String(error)}`)
    })
  }
  for (let i = 0; i < 8; i++) world.clock.after(random.int(0, spanMs / 3), run(users.register))
  const count = random.int(10, 60)
  for (let i = 0; i < count; i++) world.clock.after(random.int(0, spanMs), run(users.act))
}

function scheduleMachineFaults(
  world: World,
  machine: ReturnType<typeof createMachine>,
  spanMs: number,
): void {
  const { clock, faults, history } = world
  const random = world.random.fork('machine times')
  const step = (ms: number) => () => {
    clock.step(ms)
    history.steps.push({ ...world.moment(), ms })
    world.trace(`clock stepped by ${ms} ms`)
  }
  if (faults.has('clockForward'))
    clock.after(random.int(0, spanMs), step(random.pick([500, 30_000, 3_600_000])))
  if (faults.has('clockBack')) clock.after(random.int(0, spanMs), step(-random.pick([500, 30_000, 900_000])))
  if (faults.has('restart')) clock.after(random.int(0, spanMs), () => machine.restart())
}

async function drain(world: World): Promise<void> {
  const { clock, history } = world
  const limit = clock.elapsed() + drainMsMax
  while (clock.elapsed() < limit && !history.cameToRest) {
    await clock.run(Math.min(limit, clock.elapsed() + restAfterMs))
    const count = (sql: string) => world.rows<{ n: number }>(sql)[0]!.n
    const waiting = count(`select count(*) as n from deliveries where state = 'pending'`)
    const polled = count('select count(*) as n from tasks where polling = 1')
    history.cameToRest = waiting === 0 && polled === 0
  }
}
