/**
 * Ends the waits of endpoints that recovered or are paused no more (CONTRACT §4.5). There may be a hundred thousand of
 * them: one small commit a turn, between which the passes have theirs. What is left to do is known in memory only: a stop
 * waits for it, and after a crash it waits as it was planned.
 */
import type { Clock, Log, Timers } from '../ports.ts'
import type { Store } from '../store/store.ts'

const afterFailureMs = 1_000

export interface WaitsDeps {
  store: Pick<Store, 'endWaits' | 'endHiddenWaits'>
  now: Clock
  timers: Timers
  log: Log
  /** Some of what waited for the endpoint is due. */
  onEnded(endpointId: number): void
}

export interface Waits {
  /** What waits for the endpoint at this moment waits no longer, but for what has `failed` since it recovered. */
  end(endpointId: number, failed: readonly number[]): void
  /** It failed and waits by its schedule again, which the success before it does not end. */
  failedSince(endpointId: number, deliveryId: number): void
  /** Resolves when all of them have ended. */
  idle(): Promise<void>
}

interface Ending {
  /** Since its waits began to end. */
  failed: Set<number>
  /** Of the queues whose waits are hidden, the last that was gone through. */
  after: number
}

export function createWaits({ store, now, timers, log, onEnded }: WaitsDeps): Waits {
  /** By endpoint, the next first. */
  const ending = new Map<number, Ending>()
  let planned = false
  const idleWaiters: (() => void)[] = []

  function plan(delayMs: number): void {
    if (!planned) timers.after(delayMs, step)
    planned = true
  }

  function step(): void {
    planned = false
    const [first] = ending
    if (first === undefined) return
    const [endpointId, one] = first
    // The others have their turn before it has its next.
    ending.delete(endpointId)
    try {
      if (endSome(endpointId, one)) ending.set(endpointId, one)
      if (ending.size > 0) plan(0)
      else for (const resolve of idleWaiters.splice(0)) resolve()
    } catch (error) {
      log.error('waits could not be ended; trying again', { error })
      ending.set(endpointId, one)
      plan(afterFailureMs)
    }
  }

  /**
   * First the waits that the index of what is due shows, which may be more again at any turn, as a test that hid one goes out; once there
   * are none, some of those that are hidden from it (`endHiddenWaits`).
   * @returns whether there may be more
   */
  function endSome(endpointId: number, one: Ending): boolean {
    const except = [...one.failed]
    if (store.endWaits(endpointId, now(), { except }) > 0) {
      onEnded(endpointId)
      return true
    }
    const after = store.endHiddenWaits(endpointId, now(), { except, after: one.after })
    if (after !== null) one.after = after
    return after !== null
  }

  return {
    end(endpointId, failed) {
      ending.set(endpointId, { failed: new Set(failed), after: 0 })
      plan(0)
    },
    failedSince(endpointId, deliveryId) {
      ending.get(endpointId)?.failed.add(deliveryId)
    },
    async idle() {
      if (ending.size > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve))
    },
  }
}
