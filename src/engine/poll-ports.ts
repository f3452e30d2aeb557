/** What the poll pass is given and what it offers. */
import type { Clock, Log, Random, Timers, Upstream } from '../ports.ts'
import type { InFlight } from '../store/outbox.ts'
import type { PollRecord } from '../store/polls.ts'
import type { Store } from '../store/store.ts'
import type { AskContext } from './ask.ts'

export interface PollSettings {
  apiOrigin: string
  intervalMs: number
  intervalMaxMs: number
  batch: number
  /** Calls in flight to one host. */
  concurrency: number
  /** To all masters together; without it there is room for many. */
  mastersConcurrency?: number
  /** Of one call. */
  timeoutMs: number
  lostAfterMs: number
}

export interface PollDeps {
  store: Pick<Store, 'watchesAfter' | 'watchesOf' | 'recordPoll'>
  upstream: Upstream
  now: Clock
  random: Random
  timers: Timers
  log: Log
  settings: PollSettings
  /** The origin to poll for a raw `status_url`; null when policy does not allow it. */
  statusOrigin(statusUrl: string): string | null
  inFlight: InFlight
  /** After each commit. */
  onRecorded(records: readonly PollRecord[]): void
  onCall: AskContext['onCall']
  /** A batch is asked for, so long after the first of its tasks was due. */
  onBatch(lagMs: number): void
  /** Something is to be done sooner than the last pass said. */
  wake(): void
}

export interface Poller {
  /** Reads the first of the polled tasks, and has the passes read the others. */
  start(): void
  /** Starts the calls that are due. @returns when to pass again; null when nothing is scheduled */
  pass(): number | null
  /** Subscriptions of these tasks were made, changed or ended. */
  reload(tokens: Iterable<string>): void
  /** Upstream's own callback: due as soon as the interval allows. */
  hint(token: string): void
  polledAt(token: string): number | null
  taskCount(): number
  /** Calls and what follows from them, until it is on disk. */
  pollCount(): number
  /** The wall clock was set back: polls are as far away as they were. */
  clockWentBack(byMs: number): void
  /** The calls under way are about to be cut: that they fail then is no fault of upstream and counts for nothing. */
  cutOff(): void
  /** Resolves when no call is under way. */
  idle(): Promise<void>
}
