/**
 * What a relay does on the side: forgetting finished tasks, in commits so small that no pass waits for one.
 */
import type { Clock, Log, Random, Timers } from '../ports.ts'
import type { Store } from '../store/store.ts'

export interface MaintenanceDeps {
  store: Pick<Store, 'forgetFinished'>
  now: Clock
  random: Random
  timers: Timers
  log: Log
  retentionMs: number
}

export interface Maintenance {
  start(): void
  stop(): void
}

const roundMsMax = 10 * 60_000
const roundMsMin = 1000
/**
 * The first round comes at some time of the first minute: a relay that is put out of memory within seconds, as a quiet
 * Durable Object is, has it at one of its starts, and no start has all of a backlog at once.
 */
const firstMsMax = 60_000

export function createMaintenance(deps: MaintenanceDeps): Maintenance {
  // Ten looks within a retention are often enough, whatever its length.
  const roundMs = Math.min(Math.max(Math.ceil(deps.retentionMs / 10), roundMsMin), roundMsMax)
  let cancelTimer: (() => void) | null = null
  let total = { tasks: 0, deliveries: 0, pending: 0 }

  function plan(delayMs: number, after: number): void {
    cancelTimer = deps.timers.after(delayMs, () => step(after))
  }

  function step(after: number): void {
    try {
      const done = deps.store.forgetFinished(after, deps.now() - deps.retentionMs)
      total.tasks += done.tasks
      total.deliveries += done.deliveries
      total.pending += done.pending
      if (done.after !== null) {
        plan(0, done.after)
        return
      }
    } catch (error) {
      deps.log.error('retention failed; trying again', { error })
    }
    if (total.tasks > 0) deps.log.info('retention', { ...total, reason: 'retention' })
    total = { tasks: 0, deliveries: 0, pending: 0 }
    plan(roundMs, 0)
  }

  return {
    start: () => plan(deps.random() * Math.min(roundMs, firstMsMax), 0),
    stop() {
      cancelTimer?.()
    },
  }
}
