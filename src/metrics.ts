/**
 * What Prometheus sees (CONTRACT §2, `/metrics`): counters since the start, gauges read when asked. No owner,
 * token or callback host is ever a label.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Decision } from './core/delivery.ts'
import type { Outcome } from './core/outcome.ts'
import { isTerminalType } from './core/transition.ts'
import type { SettledAttempt } from './engine/deliver-ports.ts'
import type { Clock, StatusAnswer, UpstreamFailure } from './ports.ts'
import type { Relay, RelayObserver } from './relay.ts'
import type { FinishedDelivery } from './store/context.ts'
import type { Write } from './store/write-failures.ts'

export interface Metrics {
  observer: RelayObserver
  /** Reads the gauges from a relay from now on. */
  watch(relay: Relay, databaseBytes: () => number): void
  /** Prometheus text. */
  text(): Promise<string>
}

const seconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 36_000, 100_000,
]

/** All that a label can say; the compiler wants none forgotten. */
type Values<Value extends string> = Readonly<Record<Value, 0>>

const hosts: Values<'api' | 'master'> = { api: 0, master: 0 }
const answers: Values<Exclude<StatusAnswer['kind'], 'failed'> | 'refused'> = {
  statuses: 0,
  busy: 0,
  refused: 0,
  error: 0,
}
const failures: Values<UpstreamFailure> = {
  timeout: 0,
  network: 0,
  server_error: 0,
  redirect: 0,
  unreadable: 0,
  too_large: 0,
}
const kinds: Values<ReturnType<typeof kindOf>> = { status: 0, progress: 0, end: 0, stalled: 0, resumed: 0 }
const states: Values<Exclude<Decision['state'], 'pending'>> = {
  delivered: 0,
  superseded: 0,
  exhausted: 0,
  cancelled: 0,
}
const outcomes: Values<Outcome['kind']> = { accepted: 0, rejected: 0, unreachable: 0, refused: 0 }
const writes: Values<Write> = { polls: 0, attempts: 0, registrations: 0, commands: 0, maintenance: 0 }

export function createMetrics(now: Clock, labels: Record<string, string> = {}): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, known: Record<L, Values<string>>) => {
    const made = new Counter({ name, help, labelNames: Object.keys(known) as L[], registers })
    // A series that begins with its first increment hides that one from `rate` and `increase`.
    for (const labelSet of labelSets(known)) made.inc(labelSet, 0)
    return made
  }
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers })

  const polls = counter('pollhook_polls_total', 'Status calls', {
    host: hosts,
    outcome: { ...answers, ...failures },
  })
  const changes = counter('pollhook_changes_total', 'Transitions recorded', { kind: kinds })
  const created = counter('pollhook_deliveries_created_total', 'Deliveries made', {})
  const finished = counter('pollhook_deliveries_finished_total', 'Deliveries that ended', { state: states })
  const endsExhausted = counter('pollhook_ends_exhausted_total', 'Ends of tasks that were given up', {})
  const attempts = counter('pollhook_attempts_total', 'Attempts settled', { outcome: outcomes })
  const unwritten = counter('pollhook_write_failures_total', 'Commits that failed', { what: writes })
  const tokens = histogram(
    'pollhook_poll_tokens',
    'Tokens in one status call',
    [1, 2, 5, 10, 25, 50, 100, 250],
  )
  const callTime = histogram('pollhook_poll_seconds', 'Duration of one status call', seconds)
  const lag = histogram('pollhook_poll_lag_seconds', 'How late polls began', seconds)
  const attemptTime = histogram('pollhook_attempt_seconds', 'Duration of one attempt', seconds)
  const latency = histogram(
    'pollhook_change_to_accepted_seconds',
    'From the detection of a change to the answer that accepted it',
    seconds,
  )

  function countFinished({ state, type }: FinishedDelivery): void {
    finished.inc({ state })
    if (state === 'exhausted' && isTerminalType(type)) endsExhausted.inc()
  }

  function countAttempt(one: SettledAttempt, at: number): void {
    attempts.inc({ outcome: one.outcome.kind })
    attemptTime.observe(one.durationMs / 1000)
    if (one.ended) countFinished({ state: one.state, type: one.delivery.type })
    if (one.outcome.kind === 'accepted') latency.observe(Math.max(0, at - one.delivery.createdAt) / 1000)
  }

  return {
    observer: {
      recorded(records) {
        for (const record of records) {
          for (const { type } of record.changes) changes.inc({ kind: kindOf(type) })
        }
      },
      settled(settled, at) {
        for (const one of settled) countAttempt(one, at)
      },
      created: () => created.inc(),
      finished: countFinished,
      lagged: (lagMs) => lag.observe(lagMs / 1000),
      called(call) {
        polls.inc({ host: call.api ? 'api' : 'master', outcome: call.outcome })
        tokens.observe(call.tokens)
        callTime.observe(call.durationMs / 1000)
      },
      writeFailed: (what) => unwritten.inc({ what }),
    },

    watch: (relay, databaseBytes) => addGauges(registers, { relay, databaseBytes, now }),
    text: () => registry.metrics(),
  }
}

/** Read when they are asked for. */
function addGauges(
  registers: Registry[],
  { relay, databaseBytes, now }: { relay: Relay; databaseBytes: () => number; now: Clock },
): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('pollhook_tasks_active', 'Tasks that are polled', relay.taskCount)
  gauge(
    'pollhook_attempts_in_flight',
    'Attempts under way, or whose outcome is not on disk yet',
    relay.heldCount,
  )
  gauge('pollhook_backlog_seconds', 'Age of the oldest due delivery', () => {
    const at = now()
    return Math.max(0, at - (relay.store.oldestDueAt(at) ?? at)) / 1000
  })
  gauge('pollhook_database_bytes', 'Size of the database', databaseBytes)
  gauge('pollhook_ready', '1 from the start to the stop', () => (relay.commands.ready() ? 1 : 0))
}

/** Every combination of the values of some labels. */
function labelSets<L extends string>(known: Readonly<Record<L, Values<string>>>): Record<L, string>[] {
  const entries = Object.entries<Values<string>>(known)
  const sets = entries.reduce<Record<string, string>[]>(
    (some, [label, values]) =>
      some.flatMap((set) => Object.keys(values).map((value) => ({ ...set, [label]: value }))),
    [{}],
  )
  return sets as Record<L, string>[]
}

/** Upstream's set of statuses is open, so a type is no label. */
function kindOf(type: string) {
  if (type === 'task.progress') return 'progress'
  if (type === 'task.stalled') return 'stalled'
  if (type === 'task.resumed') return 'resumed'
  return isTerminalType(type) ? 'end' : 'status'
}
