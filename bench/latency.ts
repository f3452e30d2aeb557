/**
 * How long after upstream's answer the receiver has the request, at 200 changes a second through the whole relay,
 * beside BullMQ's time from `addBulk` to the request at 200 jobs a second. Upstream and receiver are processes of their own.
 * The fewer tasks have these changes, the more of them are in one answer: BullMQ gets as many jobs at once. It is asked
 * twice: with Redis as people run it, and with a Redis that flushes what it is told before it says so, as Pollhook does.
 */
import { missingFor } from './backends/missing.ts'
import type { RedisFlush } from './backends/redis.ts'
import type { BullmqLatency, BullmqRound } from './sides/bullmq-latency.ts'
import type { Changes, ChangesRound } from './sides/changes.ts'
import type { LatencyRound } from './sides/pollhook-latency.ts'
import { mediansBeside } from './support/beside.ts'
import { type Latency, latencyBetween, type Moment } from './support/moments.ts'
import { startSide } from './support/rounds.ts'

const changesPerSecond = 200
const intervalSeconds = 5
const tokensPerCall = 100

/** How many of a call's tasks have changed since they were asked for last, on average. */
function changesAtOnce(tasks: number): number {
  return Math.max(1, Math.round(tokensPerCall * Math.min(1, (changesPerSecond * intervalSeconds) / tasks)))
}

function of(own: Latency, peer: Latency | undefined): { p50: number; p99: number } | null {
  return peer === undefined ? null : { p50: own.p50 / peer.p50, p99: own.p99 / peer.p99 }
}

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
  const queue = reason === null ? startSide<BullmqRound, BullmqLatency>('sides/bullmq-latency.ts') : null
  const pollhook = async (tasks: number): Promise<Latency> => {
    const change = { msPerChange: (tasks / changesPerSecond) * 1000 }
    const receiver = (await arrivals.round({})).url
    const upstream = (await changes.round(change)).url
    const window = await relay.round({ receiver, upstream, tasks, windowMs })
    const { moments } = await changes.round(change)
    return latencyBetween(window, moments, (await arrivals.round({})).moments)
  }
  const bullmq = async (atOnce: number, flush: RedisFlush): Promise<Latency> => {
    const receiver = (await arrivals.round({})).url
    const { from, to, moments } = await queue!.round({ receiver, windowMs, atOnce, flush })
    return latencyBetween({ from, to }, moments, (await arrivals.round({})).moments)
  }
  const sides: Record<string, () => Promise<Latency>> = {}
  for (const tasks of counts) sides[`${tasks} tasks`] = () => pollhook(tasks)
  for (const atOnce of queue === null ? [] : new Set(counts.map(changesAtOnce))) {
    sides[`bullmq ${atOnce}`] = () => bullmq(atOnce, 'everysec')
    sides[`bullmq ${atOnce}, flushed`] = () => bullmq(atOnce, 'always')
  }
  const medians: Partial<Record<string, Latency>> = await mediansBeside(rounds, sides).finally(() =>
    Promise.all([relay, queue, changes, arrivals].map((side) => side?.stop())),
  )
  return {
    medians,
    skipped: reason === null ? [] : [{ side: 'bullmq', reason }],
    beside: counts.map((tasks) => {
      const own = medians[`${tasks} tasks`]!
      const peer = `bullmq ${changesAtOnce(tasks)}`
      return {
        tasks,
        p50: own.p50,
        p99: own.p99,
        lost: own.lost,
        ofBullmq: of(own, medians[peer]),
        ofFlushed: of(own, medians[`${peer}, flushed`]),
      }
    }),
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, windowMs = 10_000, ...counts] = process.argv.slice(2).map(Number)
  console.log(await measureLatency(rounds, windowMs, counts.length > 0 ? counts : undefined))
  process.exit(0)
}
