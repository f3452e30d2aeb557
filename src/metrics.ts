/**
 * What Prometheus sees (CONTRACT §2, `/metrics`): counters since the start, gauges read when asked. No owner,
 * token or callback host is ever a label.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { isTerminalType } from './core/transition.ts'
import type { SettledAttempt } from './engine/deliver-ports.ts'
import type { Clock } from './ports.ts'
import type { Relay, RelayObserver } from './relay.ts'

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

export function createMetrics(now: Clock, labels: Record<string, string> = {}): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels(labels)
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers })

  const polls = counter('pollhook_polls_total', 'Status calls', ['host', 'outcome'])
  const changes = counter('pollhook_changes_total', 'Transitions recorded', ['kind'])
  const created = counter('pollhook_deliveries_created_total', 'Deliveries made', [])
  const finished = counter('pollhook_deliveries_finished_total', 'Deliveries that ended', ['state'])
  const attempts = counter('pollhook_attempts_total', 'Attempts settled', ['outcome'])
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

  function countAttempt(one: SettledAttempt, at: number): void {
    attempts.inc({ outcome: one.outcome.kind })
    attemptTime.observe(one.durationMs / 1000)
    if (one.state !== 'pending' && one.state !== 'unknown') finished.inc({ state: one.state })
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
      finished: (state) => finished.inc({ state }),
      lagged: (lagMs) => lag.observe(lagMs / 1000),
      called(call) {
        polls.inc({ host: call.api ? 'api' : 'master', outcome: call.outcome })
        tokens.observe(call.tokens)
        callTime.observe(call.durationMs / 1000)
      },
    },

    watch(relay, databaseBytes) {
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
      gauge('pollhook_attempts_in_flight', 'Attempts under way', relay.inFlightCount)
      gauge('pollhook_backlog_seconds', 'Age of the oldest due delivery', () => {
        const at = now()
        return Math.max(0, at - (relay.store.oldestDueAt(at) ?? at)) / 1000
      })
      gauge('pollhook_database_bytes', 'Size of the database', databaseBytes)
      gauge('pollhook_ready', '1 while polling', () => (relay.commands.ready() ? 1 : 0))
    },

    text: () => registry.metrics(),
  }
}

/** Upstream's set of statuses is open, so a type is no label. */
function kindOf(type: string): string {
  if (type === 'task.progress' || type === 'task.stalled' || type === 'task.resumed') return type.slice(5)
  return isTerminalType(type) ? 'end' : 'status'
}
