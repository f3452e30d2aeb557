/** An endpoint at which very much waits: what ends that, and what each commit of it writes. */
import { sql } from 'drizzle-orm'
import type { Store } from '../../src/store/store.ts'
import { type EngineWorld, openWorld } from './world.ts'

/** Those that may end waits which the index of what is due shows. */
const endingWaits = ['endWaits', 'updateEndpoint', 'settleDeliveries'] as const

/** Counts the rows that each run of a verb writes. */
export function openCounted(env: Record<string, string>, verbs: readonly (keyof Store)[] = endingWaits) {
  const commits: number[] = []
  const counted =
    (verb: (...of: never[]) => unknown) =>
    (...of: never[]) => {
      const before = written()
      const result = verb(...of)
      commits.push(written() - before)
      return result
    }
  const wrapStore = (store: Store): Store => ({
    ...store,
    ...Object.fromEntries(verbs.map((verb) => [verb, counted(store[verb])])),
  })
  const world = openWorld(env, { wrapStore })
  const written = () => world.db.all<{ n: number }>(sql`select total_changes() as n`)[0]!.n
  return { world, commits }
}

/** A disk that takes nothing of a verb for as long as `disk.fails`. */
export function openFailing(env: Record<string, string>, verb: keyof Store) {
  const disk = { fails: true }
  const failing =
    (write: (...of: never[]) => unknown) =>
    (...of: never[]) => {
      if (disk.fails) throw new Error('disk I/O error')
      return write(...of)
    }
  const wrapStore = (store: Store): Store => ({ ...store, [verb]: failing(store[verb]) })
  return { world: openWorld(env, { wrapStore }), disk }
}

export const delivered = (world: EngineWorld) =>
  world.db.all<{ n: number }>(sql`select count(*) as n from deliveries where state = 'delivered'`)[0]!.n
