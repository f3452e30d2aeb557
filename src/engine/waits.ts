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
  /** Of the queues whose waits are hidden, the last that was gone through; null once all have been. */
  after: number | null
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
   * First the waits that the index of what is due shows, then those hidden from it (`endHiddenWaits`), then the index once more, as
   * what was hidden may be in it by now.
   * @returns whether there may be more
   */
  function endSome(endpointId: number, one: Ending): boolean {
    const except = [...one.failed]
    const ended = store.endWaits(endpointId, now(), { except })
    if (ended > 0) onEnded(endpointId)
    if (ended > 0 || one.after === null) return ended > 0
    one.after = store.endHiddenWaits(endpointId, now(), { except, after: one.after })
    return true
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
