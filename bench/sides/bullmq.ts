/**
 * BullMQ over its own Redis: jobs are added in bulk while workers POST them. Favourable to it in what it may leave out:
 * no order per subscription (BullMQ has that in Pro only), no attempts kept, one try, and as it is told a log flushed once
 * a second, or as Pollhook's is.
 */
import { type Job as BullJob, Queue, Worker } from 'bullmq'
import { type RedisFlush, redisThatFlushes } from '../backends/redis.ts'
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { createPoster, type Job, makeJobs } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'

export interface BullmqRound extends DeliveryRound {
  /** Jobs of one `addBulk`. */
  chunk: number
  workers: number
  /** Of each worker. */
  concurrency: number
  /** ioredis writes the commands of one turn of the event loop together. */
  pipelining: boolean
  /** Workers run from the start, not from when all is added. */
  overlap: boolean
  flush: RedisFlush
}

let rounds = 0

serveRounds<BullmqRound, DeliveryFigures>(async (options) => {
  const redis = await redisThatFlushes(options.flush)
  const name = `deliveries-${rounds++}`
  const connection = { path: redis.socket, enableAutoPipelining: options.pipelining }
  const queue = new Queue<Job>(name, { connection, defaultJobOptions: { removeOnComplete: true } })
  const poster = createPoster(options.origin)
  const { tell, fail, reached } = countdown(options.subscriptions * options.each)
  const process = ({ id, data }: BullJob<Job>) =>
    poster.post(`msg_${id}`, data.path, JSON.stringify(data.event))
  const workers = Array.from(
    { length: options.workers },
    () =>
      new Worker<Job, void>(name, process, {
        connection,
        concurrency: options.concurrency,
        autorun: false,
      }),
  )
  for (const worker of workers) {
    worker.on('completed', () => tell())
    worker.on('failed', (_job, error) => fail(error))
    await worker.waitUntilReady()
  }
  await queue.waitUntilReady()
  const jobs = makeJobs(options.subscriptions, options.each)
  const work = () => {
    for (const worker of workers) void worker.run()
  }
  const since = startClock(redis.pid)
  if (options.overlap) work()
  for (let i = 0; i < jobs.length; i += options.chunk) {
    await queue.addBulk(jobs.slice(i, i + options.chunk).map((data) => ({ name: 'post', data })))
  }
  if (!options.overlap) work()
  await reached
  const figures = since(jobs.length)
  await Promise.all(workers.map((worker) => worker.close()))
  await queue.obliterate()
  await queue.close()
  await poster.close()
  return figures
})
