/** A command that waits for a signal listens in this process, which has other tests to run. */
import { afterEach, beforeEach } from 'vitest'

export const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** After each test of this file nothing listens that did not before. */
export function keepSignalListeners(): void {
  let before = new Set<unknown>()
  beforeEach(() => {
    before = new Set(signals.flatMap((name) => process.listeners(name)))
  })
  afterEach(() => {
    for (const name of signals) {
      for (const listener of process.listeners(name)) if (!before.has(listener)) process.off(name, listener)
    }
  })
}
