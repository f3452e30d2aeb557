/** What a round of deliveries is told and what it reports, and the clock that all sides share. */
import { cpuMicrosOf } from './process-cpu.ts'
import { cpuMicros } from './tasks.ts'

export interface DeliveryRound {
  origin: string
  subscriptions: number
  each: number
}

export interface DeliveryFigures {
  perSecond: number
  /** Of this process and its database server, for each delivery. */
  cpuMicros: number
}

/** @returns the figures of what was done since, for `count` deliveries */
export function startClock(backendPid?: number): (count: number) => DeliveryFigures {
  const backend = () => (backendPid === undefined ? 0 : cpuMicrosOf(backendPid))
  const backendBefore = backend()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  return (count) => ({
    perSecond: (count / (performance.now() - startedAt)) * 1000,
    cpuMicros: (cpuMicros(cpu) + backend() - backendBefore) / count,
  })
}

export interface Countdown {
  tell(done?: number): void
  /** One of them will never come: the round proves nothing. */
  fail(error: unknown): void
  reached: Promise<void>
}

/** Waits until as many as expected have been told. */
export function countdown(count: number): Countdown {
  let left = count
  const { promise: reached, resolve, reject } = Promise.withResolvers<void>()
  // It may fail before anybody waits.
  reached.catch(() => {})
  return {
    tell(done = 1) {
      left -= done
      if (left <= 0) resolve()
    },
    fail: reject,
    reached,
  }
}
