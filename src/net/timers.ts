/** The runtime's own timers, which Node and Workers have alike. */
import type { Timers } from '../ports.ts'

export const runtimeTimers: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms)
    return () => clearTimeout(timer)
  },
}
