/** BullMQ at 200 jobs a second, one by one or so many at once, with a worker that is idle in between: from `addBulk` to the request. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import { type RedisFlush, redisThatFlushes } from '../backends/redis.ts'
import { changeKey, type Moment, monotonicMs } from '../support/moments.ts'
import { createPoster, type Job, makeEvent } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'
import type { LatencyRound } from './pollhook-latency.ts'

const msPerJob = 5
const warmUpMs = 2_000
/** For what was added last to arrive. */
const settleMs = 1_000
const concurrency = 64

let rounds = 0

export interface BullmqRound extends Pick<LatencyRound, 'receiver' | 'windowMs'> {
  /** Jobs that are added by one `addBulk`, as the changes of one answer come. */
  atOnce: number
  flush: RedisFlush
}

export interface BullmqLatency {
  from: number
  to: number
  moments: Moment[]
}

serveRounds<BullmqRound, BullmqLatency>(async ({ receiver, windowMs, atOnce, flush }) => {
  const redis = await redisThatFlushes(flush)
  const name = `changes-${rounds++}`
  const connection = { path: redis.socket }
  const queue = new Queue<Job>(name, { connection, defaultJobOptions: { removeOnComplete: true } })
  const poster = createPoster(receiver)
  const worker = new Worker<Job, void>(
    name,
    ({ id, data }) => poster.post(`msg_${id}`, data.path, JSON.stringify(data.event)),
    {
      connection,
      concurrency,
    },
  )
  worker.on('failed', (_job, error) => console.error(error))
  await worker.waitUntilReady()
  await queue.waitUntilReady()
  const moments: Moment[] = []
  const adding: Promise<unknown>[] = []
  const startedAt = monotonicMs()
  for (let i = 0; monotonicMs() < startedAt + warmUpMs + windowMs; i += atOnce) {
    await sleep(Math.max(0, startedAt + i * msPerJob - monotonicMs()))
    const tokens = Array.from({ length: atOnce }, (_, n) => `${rounds}-${i + n}`)
    const jobs = tokens.map((token, n) => ({
      name: 'post',
      data: { path: '/hook', event: makeEvent(token, i + n, 1) },
    }))
    const at = monotonicMs()
    for (const token of tokens) moments.push([changeKey(token, 1), at])
    adding.push(queue.addBulk(jobs))
  }
  await Promise.all(adding)
  await sleep(settleMs)
  await worker.close()
  await queue.obliterate()
  await queue.close()
  await poster.close()
  return { from: startedAt + warmUpMs, to: startedAt + warmUpMs + windowMs, moments }
})
