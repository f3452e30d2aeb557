/** Node's timers for the relay, until the relay ends: what still waits then must not reach for a closed database. */
import type { Timers } from '../ports.ts'

export interface NodeTimers extends Timers {
  /** Nothing that was asked for, or will be, runs any more. */
  end(): void
}

/** A longer wait would overflow; waking early does no harm. */
const waitMsMax = 2 ** 31 - 1

export function createTimers(): NodeTimers {
  let ended = false
  return {
    after(ms, work) {
      const run = () => {
        if (!ended) work()
      }
      if (ms <= 0) {
        const immediate = setImmediate(run)
        return () => clearImmediate(immediate)
      }
      const timer = setTimeout(run, Math.min(ms, waitMsMax))
      return () => clearTimeout(timer)
    },
    end() {
      ended = true
    },
  }
}
