/** Pollhook's whole engine: changes are recorded, then due, signed, POSTed, settled on disk, in order per subscription. */
import { setTimeout as sleep } from 'node:timers/promises'
import { countdown, type DeliveryFigures, type DeliveryRound, startClock } from '../support/delivery-round.ts'
import { openRelay } from '../support/relay.ts'
import { serveRounds } from '../support/rounds.ts'
import { change, makeTokens, register, registration } from '../support/tasks.ts'

export interface PollhookRound extends DeliveryRound {
  synchronous: 'full' | 'normal'
}

/** From all deliveries due to the last one settled; `drained`, from the first change recorded. */
export interface PollhookFigures extends DeliveryFigures {
  drainedPerSecond: number
  drainedCpuMicros: number
}

serveRounds<PollhookRound, PollhookFigures>(async ({ origin, subscriptions, each, synchronous }) => {
  const total = subscriptions * each
  const { tell, fail, reached } = countdown(total)
  const latest = { status: `s${each - 1}` }
  const { relay, ownerId, close } = openRelay({
    // As it is known already: polls go on, and write nothing.
    upstream: {
      status: async (_origin, asked) => ({
        kind: 'statuses',
        statuses: new Map(asked.map((t) => [t, latest])),
      }),
    },
    observer: {
      settled(attempts) {
        const others = attempts.filter(({ state }) => state !== 'delivered')
        if (others.length > 0) fail(new Error(`${others.length} attempts were not accepted`))
        tell(attempts.length - others.length)
      },
    },
    synchronous,
  })
  // A relay starts its thread for checkpoints once in its life, not in each round.
  await sleep(500)
  const tokens = makeTokens(subscriptions)
  register(
    relay,
    tokens.map((token) => registration(ownerId, token, `${origin}/hook?t=${token}`)),
  )
  const sinceFirstChange = startClock()
  for (let i = 0; i < each; i++) change(relay, tokens, `s${i}`)
  const sinceDue = startClock()
  relay.start()
  await reached
  const settled = sinceDue(total)
  const drained = sinceFirstChange(total)
  await close()
  return { ...settled, drainedPerSecond: drained.perSecond, drainedCpuMicros: drained.cpuMicros }
})
