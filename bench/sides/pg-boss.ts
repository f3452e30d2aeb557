/** pg-boss over its own PostgreSQL: jobs are inserted in bulk, fetched in batches, POSTed and completed. */
import { PgBoss } from 'pg-boss'
import { createDatabase, startPostgres } from '../backends/postgres.ts'
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { createPoster, type Job, makeJobs } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'

export interface PgBossRound extends DeliveryRound {
  /** Jobs of one `insert`. */
  chunk: number
  /** Each fetches a batch, POSTs it and completes it as one. */
  workers: number
  batch: number
  /** Workers run from the start, not from when all is inserted. */
  overlap: boolean
  /** Those of a subscription go one after another: a fetch takes the first of each only, once the one before is over. */
  inOrder: boolean
}

const postgres = await startPostgres()
const queue = 'deliveries'

serveRounds<PgBossRound, DeliveryFigures>(async (options) => {
  const database = await createDatabase(postgres)
  // Maintenance belongs to a running service, but a round is over before it is due.
  const boss = new PgBoss({ ...database, max: options.workers + 4, supervise: false, schedule: false })
  boss.on('error', console.error)
  await boss.start()
  const policy = options.inOrder ? 'key_strict_fifo' : 'standard'
  await boss.createQueue(queue, { retryLimit: 0, policy })
  const poster = createPoster(options.origin)
  const jobs = makeJobs(options.subscriptions, options.each)
  const { tell, fail, reached } = countdown(jobs.length)
  const work = () =>
    boss.work<Job>(
      queue,
      {
        batchSize: options.batch,
        localConcurrency: options.workers,
        pollingIntervalSeconds: 0.5,
        burstWhenBatchFull: true,
      },
      async (batch) => {
        const posts = batch.map(({ id, data }) =>
          poster.post(`msg_${id}`, data.path, JSON.stringify(data.event)),
        )
        await Promise.all(posts).catch((error: unknown) => {
          fail(error)
          throw error
        })
        tell(batch.length)
      },
    )
  const since = startClock(postgres.pid)
  if (options.overlap) await work()
  for (let i = 0; i < jobs.length; i += options.chunk) {
    await boss.insert(
      queue,
      jobs
        .slice(i, i + options.chunk)
        .map((data) => ({ data, ...(options.inOrder && { singletonKey: data.path }) })),
    )
  }
  if (!options.overlap) await work()
  await reached
  // The last batches are completed after their handlers have returned.
  await boss.offWork(queue, { wait: true })
  const figures = since(jobs.length)
  await boss.stop({ graceful: false })
  await poster.close()
  return figures
})
