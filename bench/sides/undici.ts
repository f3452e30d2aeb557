/** The same POSTs with no store at all: what a delivery cannot cost less than. */
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { connections, createPoster, makeJobs } from '../support/poster.ts'
import { serveRounds } from '../support/rounds.ts'

serveRounds<DeliveryRound, DeliveryFigures>(async ({ origin, subscriptions, each }) => {
  const jobs = makeJobs(subscriptions, each)
  const poster = createPoster(origin)
  const { tell, reached } = countdown(jobs.length)
  let sent = 0
  const since = startClock()
  const next = async (): Promise<void> => {
    const job = jobs[sent]
    if (job === undefined) return
    sent++
    await poster.post(`msg_${sent}`, job)
    tell()
    return next()
  }
  for (let i = 0; i < connections; i++) void next()
  await reached
  const figures = since(jobs.length)
  await poster.close()
  return figures
})
