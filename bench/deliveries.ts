/**
 * Durable deliveries a second through the whole engine (due, signed, POSTed, settled on disk, in order per
 * subscription) beside the same signed POSTs from a bare undici Pool with no store, and from the job queues that
 * people would build this on: as fast as they go, and alike, with what they have of Pollhook's promise (BullMQ a log that is
 * flushed before it answers, the others order per subscription). One run, one receiver; each side in a process of its own,
 * in turns.
 */
import { missingFor } from './backends/missing.ts'
import type { BullmqRound } from './sides/bullmq.ts'
import type { GraphileWorkerRound } from './sides/graphile-worker.ts'
import type { PgBossRound } from './sides/pg-boss.ts'
import type { PollhookFigures, PollhookRound } from './sides/pollhook.ts'
import { mediansBeside, type Skipped } from './support/beside.ts'
import type { DeliveryFigures, DeliveryRound } from './support/delivery-round.ts'
import { startSink } from './support/receiver.ts'
import { type Side, startSide } from './support/rounds.ts'

type Settings<Round extends DeliveryRound> = Omit<Round, keyof DeliveryRound>

const subscriptions = 1_000
const warmUpEach = 2

// The best of what was tried for each, so that none is slowed by its settings; what came close was within the noise.

/** Also: chunks of 250 and 1,000, 64, 256 and 512 at a time, two workers, no pipelining, adding everything first. */
const bullmq: Settings<BullmqRound> = {
  chunk: 5_000,
  workers: 1,
  concurrency: 128,
  pipelining: true,
  overlap: true,
  flush: 'everysec',
}
/**
 * Also: chunks of 5,000 and 10,000, one, three and four workers, batches of 100 to 2,000, inserting everything first. In
 * order one worker is faster; also: two with batches of 500 and 1,000, four, chunks of 5,000, inserting everything first.
 */
const pgBoss: Settings<PgBossRound> = {
  chunk: 1_000,
  workers: 2,
  batch: 1_000,
  overlap: true,
  inOrder: false,
}
/**
 * Also: chunks of 500, 5,000 and 10,000, 64 and 256 at a time, local queues of 500 to 5,000, completions that wait 0,
 * 10 and 100 ms, adding everything first. In order a local queue of 500 is faster; also: 1,000 and 5,000, 256 at a time,
 * completions that wait 0 and 10 ms, chunks of 5,000, adding everything first.
 */
const graphileWorker: Settings<GraphileWorkerRound> = {
  chunk: 1_000,
  concurrency: 128,
  localQueue: 1_000,
  completeDelay: 50,
  overlap: true,
  inOrder: false,
}

/** `settled` from due to settled; `drained` with the recording of the changes, as peers enqueue and drain. */
export interface BesidePeer {
  settledRatio: number
  drainedRatio: number
  settledCpuRatio: number
  drainedCpuRatio: number
}

/**
 * @param each deliveries of each of 1,000 subscriptions
 * @returns each side's medians, and Pollhook's beside those of the peers that could run
 */
export async function measureDeliveries(rounds: number, each = 20) {
  const sink = await startSink()
  const started: Side<never, unknown>[] = []
  const side = <Round extends DeliveryRound, Figures>(file: string, settings: Settings<Round>) => {
    const process = startSide<DeliveryRound, Figures>(file)
    started.push(process)
    return (round: number) =>
      process.round({
        origin: sink.origin,
        subscriptions,
        each: round === 0 ? warmUpEach : each,
        ...settings,
      })
  }
  const skipped: Skipped[] = []
  /** @param alike what it may leave out, and here does not: Pollhook's own promise, as far as it has it */
  const peer = <Round extends DeliveryRound>(
    name: 'bullmq' | 'pg-boss' | 'graphile-worker',
    settings: Settings<Round>,
    alike: Partial<Settings<Round>>,
  ) => {
    const reason = missingFor(name)
    if (reason !== null) {
      skipped.push({ side: name, reason })
      return {}
    }
    const file = `sides/${name}.ts`
    return {
      [name]: side<Round, DeliveryFigures>(file, settings),
      [`${name} alike`]: side<Round, DeliveryFigures>(file, { ...settings, ...alike }),
    }
  }
  const sides = {
    pollhook: side<PollhookRound, DeliveryFigures>('sides/pollhook.ts', { synchronous: 'full' }),
    undici: side<DeliveryRound, DeliveryFigures>('sides/undici.ts', {}),
    ...peer<BullmqRound>('bullmq', bullmq, { flush: 'always' }),
    ...peer<PgBossRound>('pg-boss', pgBoss, { inOrder: true, workers: 1 }),
    ...peer<GraphileWorkerRound>('graphile-worker', graphileWorker, { inOrder: true, localQueue: 500 }),
  }
  const medians: Partial<Record<string, DeliveryFigures>> = await mediansBeside(rounds, sides).finally(() => {
    sink.stop()
    return Promise.all(started.map((one) => one.stop()))
  })
  const pollhook = medians.pollhook as PollhookFigures
  const postgres = betterOf(medians['pg-boss'], medians['graphile-worker'])
  const postgresAlike = betterOf(medians['pg-boss alike'], medians['graphile-worker alike'])
  return {
    medians,
    skipped,
    ofUndici: pollhook.perSecond / (medians.undici?.perSecond ?? Number.NaN),
    ofBullmq: medians.bullmq && beside(pollhook, medians.bullmq),
    ofBullmqAlike: medians['bullmq alike'] && beside(pollhook, medians['bullmq alike']),
    ofPostgres: postgres && beside(pollhook, postgres),
    ofPostgresAlike: postgresAlike && beside(pollhook, postgresAlike),
  }
}

/** The faster one: only it counts. */
function betterOf(...peers: (DeliveryFigures | undefined)[]): DeliveryFigures | undefined {
  return peers
    .filter((peer) => peer !== undefined)
    .sort((a, b) => b.perSecond - a.perSecond)
    .at(0)
}

function beside(pollhook: PollhookFigures, peer: DeliveryFigures): BesidePeer {
  return {
    settledRatio: pollhook.perSecond / peer.perSecond,
    drainedRatio: pollhook.drainedPerSecond / peer.perSecond,
    settledCpuRatio: pollhook.cpuMicros / peer.cpuMicros,
    drainedCpuRatio: pollhook.drainedCpuMicros / peer.cpuMicros,
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, each = 20] = process.argv.slice(2).map(Number)
  console.log(await measureDeliveries(rounds, each))
  process.exit(0)
}
