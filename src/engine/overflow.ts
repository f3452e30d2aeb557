/**
 * What the calls to masters leave no place for, and the API host may be asked for instead (docs/decisions/0016-calls-to-masters.md).
 * In doubt that gets none of it but, once it may be asked, one batch that shows whether it answers.
 */
import { takeFitting } from './batch-queue.ts'
import type { Entry } from './entry.ts'
import { type DueQueue, type Host, isBlocked, isInDoubt, isProven, triableAt, waitingAt } from './host.ts'
import type { PollSettings } from './poll-ports.ts'

export interface Overflow {
  /** May something of that queue leave its master? */
  mayLeave(host: Host, queue: DueQueue, at: number): boolean
  /** All that may, or one batch of it, out of the queue. */
  take(host: Host, queue: DueQueue, at: number): Entry[]
}

export function createOverflow(api: Host, settings: Pick<PollSettings, 'batch' | 'intervalMs'>): Overflow {
  /**
   * Unless the API host is proven, not if the last poll failed: failing there again and again, where perhaps every second call
   * fails, the task would be told as stalled although its master, which was not asked, answers. Nor, in doubt, if this is the
   * last poll it has, as its master may know that it has ended.
   */
  function fits({ wanted, watch: { failingSince, expiresAt } }: Entry, at: number): boolean {
    if (!wanted || isProven(api)) return wanted
    return failingSince === null && (!isInDoubt(api) || expiresAt > at)
  }

  function mayBeTried(queue: DueQueue, at: number): boolean {
    // That a lone one fails shows nothing of the host.
    return queue !== 'lone' && at >= triableAt(api, settings) && api.inFlight + waitingAt(api) === 0
  }

  return {
    mayLeave(host, queue, at) {
      if (isBlocked(api, at) || (isInDoubt(api) && !mayBeTried(queue, at))) return false
      const tasks = queue === 'lone' ? host.lone : host[queue].tasks
      return tasks.some((entry) => fits(entry, at))
    },

    take(host, queue, at) {
      const count = isInDoubt(api) ? settings.batch : Number.POSITIVE_INFINITY
      const fitting = (entry: Entry) => fits(entry, at)
      return queue === 'lone'
        ? host.lone.takeFitting(count, fitting)
        : takeFitting(host[queue], count, fitting)
    },
  }
}
