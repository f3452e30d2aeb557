/** When things happened, on the one clock that all processes of a machine share, and what lies between two such lists. */
import { percentile } from './figures.ts'

/** What it was and when, in milliseconds of CLOCK_MONOTONIC. */
export type Moment = readonly [key: string, at: number]

export interface Latency {
  p50: number
  p99: number
  perSecond: number
  /** How many began at the same moment, as all changes of one answer do. */
  atOnce: number
  /** What began in the window and never arrived. */
  lost: number
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The webhook that tells this change of this task. */
export function changeKey(token: string, percent: number): string {
  return `${token}:${percent}`
}

/** @returns the latencies of what began within the window */
export function latencyBetween(
  window: { from: number; to: number },
  began: readonly Moment[],
  arrived: readonly Moment[],
): Latency {
  const arrivals = new Map(arrived)
  const within = began.filter(([, at]) => at >= window.from && at < window.to)
  const latencies = within.flatMap(([key, at]) => {
    const arrival = arrivals.get(key)
    return arrival === undefined ? [] : [arrival - at]
  })
  return {
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    perSecond: (within.length / (window.to - window.from)) * 1000,
    atOnce: within.length / new Set(within.map(([, at]) => at)).size,
    lost: within.length - latencies.length,
  }
}
