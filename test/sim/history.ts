/**
 * What happened in one simulation, as the world around the relay saw it. The checks read this and the rows
 * left in the database, nothing of the relay's memory.
 */
import type { Config } from '../../src/config.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { StatusAnswer } from '../../src/ports.ts'
import type { FaultMix } from './faults.ts'

/** Everything that is recorded has a place in one order; `at` is elapsed time, `wall` the relay's clock. */
export interface Moment {
  order: number
  at: number
  wall: number
  incarnation: number
}

export interface Poll {
  start: Moment
  /** Null: the relay died first. */
  end: Moment | null
  origin: string
  tokens: readonly string[]
  answer: StatusAnswer | null
}

/** The row of a delivery and what is around it at the moment an attempt starts. */
export interface SendContext {
  deliveryId: number
  subscriptionId: number
  endpointId: number
  type: string
  seq: number | null
  rank: number
  state: string
  attempts: number
  scheduleFrom: number
  newerExists: number
  callbackUrl: string
  subscriptionPaused: number
  subscriptionEnd: string | null
  endpointPaused: number
  maxConcurrency: number | null
  maxPerSecond: number | null
}

export interface Send {
  start: Moment
  end: Moment | null
  url: string
  webhookId: string
  body: string
  timestamp: number
  context: SendContext | null
  /** What the last answered PATCH or registration said; null when no answer was seen. */
  promised: Promised | null
  signedRight: boolean
  /** The receiver got the whole request and answered 2xx, whatever became of its answer. */
  receiverAccepted: boolean
  /** As the relay saw it; null when it died first. */
  outcome: Outcome | null
  healed: boolean
}

/** What a client was told of a subscription by the last answer it got. */
export interface Promised {
  ownerId: number
  url: string
  paused: boolean
  cancelled: boolean
}

export interface Settlement {
  moment: Moment
  deliveryId: number
  /** As the engine handed it to the store. */
  outcome: Outcome
  state: string
}

export interface Command {
  moment: Moment
  kind: string
  /** Rows touched, as far as the answer told. */
  subscription?: string
  delivery?: string
  endpoint?: string
  detail: Record<string, unknown>
}

export interface History {
  seed: number
  faults: FaultMix
  config: Config
  polls: Poll[]
  sends: Send[]
  settlements: Settlement[]
  commands: Command[]
  crashes: Moment[]
  /** From a start to the crash or the stop that ended it; null: until all came to rest. */
  lives: { from: Moment; until: Moment | null }[]
  /** The wall clock moved by itself, by so much. */
  steps: (Moment & { ms: number })[]
  /** Ids that a 201 named. */
  created: Map<string, { token: string; moment: Moment }>
  /** Commits after which upstream's end of a task is on disk. */
  ends: { token: string; moment: Moment; end: string }[]
  /** From there on nothing fails any more, and the relay is up. */
  healedAt: Moment | null
  /** When nobody looked any more. */
  restAt: Moment | null
  cameToRest: boolean
  violations: string[]
}

export function emptyHistory(seed: number, faults: FaultMix, config: Config): History {
  return {
    seed,
    faults,
    config,
    polls: [],
    sends: [],
    settlements: [],
    commands: [],
    crashes: [],
    lives: [],
    steps: [],
    created: new Map(),
    ends: [],
    healedAt: null,
    restAt: null,
    cameToRest: false,
    violations: [],
  }
}

/** Did the wall clock move by itself between the two? Then waits between them cannot be judged. */
export function steppedBetween(history: History, from: Moment, to: Moment): boolean {
  return history.steps.some(({ order }) => order > from.order && order < to.order)
}

export function crashedBetween(history: History, from: Moment, to: Moment): boolean {
  return history.crashes.some(({ order }) => order > from.order && order < to.order)
}

/** The settlement of an attempt; null when a crash, or a bug, came before it. */
export function settlementOf(history: History, { end, context }: Send): Settlement | null {
  if (end === null) return null
  const found = history.settlements.find(
    ({ deliveryId, moment }) =>
      deliveryId === context?.deliveryId &&
      moment.order > end.order &&
      moment.incarnation === end.incarnation,
  )
  return found ?? null
}
