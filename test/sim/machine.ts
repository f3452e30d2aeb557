/**
 * The machine that the relay runs on: it boots, crashes at any point between two writes, loses all memory,
 * and boots again on what was committed. Nothing of a dead life reaches its timers, ports or store.
 */
import { createVault } from '../../src/keys/vault.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import type { Log, Timers } from '../../src/ports.ts'
import { createRelay, type Relay } from '../../src/relay.ts'
import { type CommitHooks, type Connection, databaseOf, emptyImage, openImage } from './database.ts'
import type { Monitor } from './monitor.ts'
import type { createReceivers } from './receivers.ts'
import type { Mutation } from './simulate.ts'
import type { UpstreamScript } from './upstream.ts'
import type { Life, World } from './world.ts'

export interface Machine {
  boot(): void
  /** A graceful stop, then a new start. */
  restart(): void
  /** No more faults; a relay that is down comes up. */
  heal(): void
  healed(): boolean
  shutDown(): void
  relay(): Relay | null
  lives(): number
  sqlite(): Connection
  commits(): number
  crashPoint(where: string): boolean
}

const crashesMax = 6

/** Of a full disk, or of a crash around a commit; any other error is a bug. */
export function isScripted(error: unknown): boolean {
  return /disk is full|before a commit|after a commit/.test(String(error))
}

export function createMachine(of: {
  world: World
  monitor: Monitor
  upstream: UpstreamScript
  receivers: ReturnType<typeof createReceivers>
  mutation: Mutation | undefined
}): Machine {
  const { world, monitor, mutation } = of
  const { clock, faults, history } = world
  const random = world.random.fork('machine')
  const crashChance = random.pick([0.0005, 0.002, 0.01])
  const diskChance = random.pick([0.002, 0.02])
  let sqlite = openImage(emptyImage())
  let lives = 0
  let living: { life: Life; relay: Relay | null; end(): void } | null = null
  let healed = false
  let commits = 0
  /** The transaction that is about to be rolled back is the last thing this life did. */
  let dying: string | null = null

  function crashPoint(where: string): boolean {
    if (living === null || healed || !faults.has('crash') || history.crashes.length >= crashesMax)
      return false
    if (!random.chance(crashChance)) return false
    die(where)
    return true
  }

  function die(where: string): void {
    world.trace(`CRASH ${where}`)
    history.crashes.push(world.moment())
    endLife()
    clock.after(random.pick([0, 100, 3_000, 60_000, 400_000]), boot)
  }

  /** It does nothing new from here on. */
  function noteEnd(): void {
    const life = history.lives.at(-1)
    if (life !== undefined) life.until ??= world.moment()
  }

  function endLife(): void {
    noteEnd()
    living?.end()
    living = null
    monitor.died()
    const image = sqlite.serialize()
    sqlite.close()
    sqlite = openImage(image)
  }

  const hooks: CommitHooks = {
    committing() {
      if (living === null || healed) return
      if (faults.has('diskFull') && random.chance(diskChance)) throw new Error('database or disk is full')
      if (faults.has('crash') && history.crashes.length < crashesMax && random.chance(crashChance)) {
        dying = 'before a commit'
        throw new Error(dying)
      }
    },
    rolledBack() {
      if (dying === null) return
      const where = dying
      dying = null
      die(where)
    },
    committed() {
      commits++
      if (crashPoint('after a commit')) throw new Error('after a commit')
    },
  }

  function boot(): void {
    if (living !== null) return
    lives++
    let alive = true
    const life: Life = { n: lives, alive: () => alive }
    living = {
      life,
      relay: null,
      end() {
        alive = false
      },
    }
    world.trace('boot')
    try {
      const relay = createRelay(depsOf(life))
      relay.start()
      if (!alive) return
      living.relay = relay
      history.lives.push({ from: world.moment(), until: null })
    } catch (error) {
      // A start that a full disk prevents is tried again, as a process manager would.
      if (!alive) return
      world.trace(`boot failed ${String(error)}`)
      endLife()
      clock.after(1000, boot)
    }
  }

  function depsOf(life: Life): Parameters<typeof createRelay>[0] {
    const upstream = of.upstream.port(life)
    const sender = of.receivers.port(life)
    const signer = createNodeSigner({})
    return {
      db: databaseOf(sqlite, hooks),
      config: mutation?.config?.(world.config) ?? world.config,
      place: { generation: 1, shard: 0 },
      upstream: mutation?.upstream?.(upstream, world) ?? upstream,
      sender: mutation?.sender?.(sender, world) ?? sender,
      signer: mutation?.signer?.(signer) ?? signer,
      vault: createVault(world.config.secrets, random.bytes),
      now: clock.now,
      random: random.next,
      randomBytes: random.bytes,
      timers: timersOf(life),
      log: logOf(life),
      version: 'sim',
      // The monitor is nearest to the engine: it hears what the engine believes to have written.
      wrapStore: (store) => monitor.wrap(mutation?.store?.(store, world) ?? store, life),
    }
  }

  function timersOf(life: Life): Timers {
    return {
      after: (ms, work) =>
        clock.after(ms, () => {
          if (!life.alive()) return
          if (crashPoint('between two events')) return
          try {
            work()
          } catch (error) {
            if (life.alive()) world.violate('no crash', `a timer threw ${String(error)}`)
          }
        }),
    }
  }

  /** Errors are kept: some are the disk's, the others are bugs. */
  function logOf(life: Life): Log {
    const error: Log['error'] = (message, fields) => {
      if (!life.alive()) return
      const cause = String(fields?.error)
      world.trace(`log ${message} ${cause}`)
      if (!isScripted(cause)) world.violate('no errors', `${message}: ${cause}`)
    }
    const quiet = () => {}
    return { debug: quiet, info: quiet, warn: quiet, error }
  }

  return {
    boot,
    restart() {
      const { relay, life } = living ?? { relay: null, life: null }
      if (relay === null || life === null) return
      world.trace('stop')
      noteEnd()
      const stopped = () => {
        if (!life.alive()) return
        world.trace('stopped')
        endLife()
        clock.after(1000, boot)
      }
      void relay.stop().then(stopped)
    },
    heal() {
      healed = true
      if (living === null) boot()
    },
    healed: () => healed,
    shutDown() {
      living?.end()
      living = null
      sqlite.close()
    },
    relay: () => living?.relay ?? null,
    lives: () => lives,
    sqlite: () => sqlite,
    commits: () => commits,
    crashPoint,
  }
}
