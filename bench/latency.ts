/**
 * How long after upstream's answer the receiver has the request, at 200 changes a second through the whole relay,
 * beside BullMQ's time from `add` to the request at 200 jobs a second. Upstream and receiver are processes of their own.
 * The fewer tasks have these changes, the more of them are in one answer: then they come in bursts, as no queue's do.
 */
import { missingFor } from './backends/missing.ts'
import type { BullmqLatency } from './sides/bullmq-latency.ts'
import type { Changes, ChangesRound } from './sides/changes.ts'
import type { LatencyRound } from './sides/pollhook-latency.ts'
import { mediansBeside } from './support/beside.ts'
import { type Latency, latencyBetween, type Moment } from './support/moments.ts'
import { startSide } from './support/rounds.ts'

const changesPerSecond = 200

/** @returns medians of p50 and p99 in milliseconds of each side, and for each count of tasks the ratios to BullMQ's */
export async function measureLatency(
  rounds: number,
  windowMs = 10_000,
  counts: readonly number[] = [1_000, 10_000, 100_000],
) {
  const arrivals = startSide<object, { url: string; moments: Moment[] }>('sides/arrivals.ts')
  const changes = startSide<ChangesRound, Changes>('sides/changes.ts')
  const relay = startSide<LatencyRound, { from: number; to: number }>('sides/pollhook-latency.ts')
  const reason = missingFor('bullmq')
  const queue =
    reason === null ? startSide<Partial<LatencyRound>, BullmqLatency>('sides/bullmq-latency.ts') : null
  const pollhook = async (tasks: number): Promise<Latency> => {
    const change = { msPerChange: (tasks / changesPerSecond) * 1000 }
    const receiver = (await arrivals.round({})).url
    const upstream = (await changes.round(change)).url
    const window = await relay.round({ receiver, upstream, tasks, windowMs })
    const { moments } = await changes.round(change)
    return latencyBetween(window, moments, (await arrivals.round({})).moments)
  }
  const bullmq = async (): Promise<Latency> => {
    const receiver = (await arrivals.round({})).url
    const { from, to, moments } = await queue!.round({ receiver, windowMs })
    return latencyBetween({ from, to }, moments, (await arrivals.round({})).moments)
  }
  const named = Object.fromEntries(counts.map((tasks) => [`${tasks} tasks`, () => pollhook(tasks)]))
  const sides: Record<string, () => Promise<Latency>> = { ...named, ...(queue && { bullmq }) }
  const medians: Partial<Record<string, Latency>> = await mediansBeside(rounds, sides)
  for (const side of [relay, queue, changes, arrivals]) await side?.stop()
  return {
    medians,
    skipped: reason === null ? [] : [{ side: 'bullmq', reason }],
    beside: counts.map((tasks) => {
      const own = medians[`${tasks} tasks`]!
      const of = (key: 'p50' | 'p99') => own[key] / (medians.bullmq?.[key] ?? Number.NaN)
      return { tasks, p50: own.p50, p99: own.p99, p50Ratio: of('p50'), p99Ratio: of('p99') }
    }),
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, windowMs = 10_000, ...counts] = process.argv.slice(2).map(Number)
  console.log(await measureLatency(rounds, windowMs, counts.length > 0 ? counts : undefined))
  process.exit(0)
}
