/** The same POSTs with no store at all: what a delivery cannot cost less than. */
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { connections, createPoster, makeJobs } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'

serveRounds<DeliveryRound, DeliveryFigures>(async ({ origin, subscriptions, each }) => {
  // As Pollhook has them: text, before anything is due.
  const jobs = makeJobs(subscriptions, each).map(({ path, event }) => ({ path, body: JSON.stringify(event) }))
  const poster = createPoster(origin)
  const { tell, fail, reached } = countdown(jobs.length)
  let sent = 0
  const since = startClock()
  const connection = async (): Promise<void> => {
    for (let job = jobs[sent]; job !== undefined; job = jobs[sent]) {
      sent++
      await poster.post(`msg_${sent}`, job.path, job.body)
      tell()
    }
  }
  for (let i = 0; i < connections; i++) connection().catch(fail)
  await reached
  const figures = since(jobs.length)
  await poster.close()
  return figures
})
