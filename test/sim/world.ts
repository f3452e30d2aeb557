/** What every part of a simulation is given: time, chance, faults, the record, and the means to die. */
import type { Config } from '../../src/config.ts'
import type { VirtualClock } from './clock.ts'
import type { Connection } from './database.ts'
import type { FaultMix } from './faults.ts'
import type { History, Moment, Poll } from './history.ts'
import type { Rng } from './random.ts'

export interface World {
  random: Rng
  clock: VirtualClock
  faults: FaultMix
  config: Config
  history: History
  trace(text: string): void
  /** Now, with the next place in the order of things. */
  moment(): Moment
  violate(rule: string, what: string): void
  /** From here on nothing fails any more. */
  healed(): boolean
  /** True when the relay dies here; it is dead already when this returns. */
  crashPoint(where: string): boolean
  /** The database as it is now, for looking; never for writing. */
  sqlite(): Connection
  /** One look at it, all rows. */
  rows<T>(sql: string, ...values: (string | number)[]): T[]
  connectionBusy(): boolean
  /** How many transactions were committed, by all lives together. */
  commits(): number
  calling(poll: Poll): void
  answered(poll: Poll): void
}

/** One life of the relay, from start to stop or crash. */
export interface Life {
  n: number
  alive(): boolean
}
