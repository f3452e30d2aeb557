/** graphile-worker over its own PostgreSQL: jobs are added in bulk, fetched into its local queue, POSTed and completed in batches. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { Pool } from 'pg'
import { createDatabase, startPostgres } from '../backends/postgres.ts'
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { createPoster, type Job, makeJobs } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'

export interface GraphileWorkerRound extends DeliveryRound {
  /** Jobs of one `addJobs`. */
  chunk: number
  concurrency: number
  /** Jobs fetched at once into memory. */
  localQueue: number
  /** How long a completion waits for others, in ms. */
  completeDelay: number
  /** Workers run from the start, not from when all is added. */
  overlap: boolean
  /** Those of a subscription go one after another, by a named queue of each. */
  inOrder: boolean
}

const postgres = await startPostgres()
const silent = new Logger(() => () => {})

serveRounds<GraphileWorkerRound, DeliveryFigures>(async (options) => {
  const pgPool = new Pool({ ...(await createDatabase(postgres)), max: 16 })
  pgPool.on('error', console.error)
  pgPool.on('connect', (client) => client.on('error', console.error))
  const utils = await makeWorkerUtils({ pgPool, logger: silent })
  await utils.migrate()
  const poster = createPoster(options.origin)
  const jobs = makeJobs(options.subscriptions, options.each)
  const { tell, fail, reached } = countdown(jobs.length)
  const work = () =>
    run({
      pgPool,
      logger: silent,
      noHandleSignals: true,
      taskList: {
        async post(job, { job: { id } }) {
          const { path, event } = job as Job
          await poster.post(`msg_${id}`, path, JSON.stringify(event)).catch((error: unknown) => {
            fail(error)
            throw error
          })
          tell()
        },
      },
      preset: {
        worker: {
          concurrentJobs: options.concurrency,
          localQueue: { size: options.localQueue },
          completeJobBatchDelay: options.completeDelay,
        },
      },
    })
  const since = startClock(postgres.pid)
  const early = options.overlap ? await work() : null
  for (let i = 0; i < jobs.length; i += options.chunk) {
    const chunk = jobs.slice(i, i + options.chunk)
    await utils.addJobs(
      chunk.map((payload) => ({
        identifier: 'post',
        payload,
        maxAttempts: 1,
        ...(options.inOrder && { queueName: payload.path }),
      })),
    )
  }
  const runner = early ?? (await work())
  await reached
  // The last completions are written while it stops.
  await runner.stop()
  const figures = since(jobs.length)
  await utils.release()
  await poster.close()
  await pgPool.end()
  return figures
})
