/** The whole relay over HTTP with as many tasks as it is told, each polled every 5 s. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createUpstreamFetch } from '../../src/net/node/upstream-fetch.ts'
import { createUpstream } from '../../src/net/qencode.ts'
import { monotonicMs } from '../support/moments.ts'
import { openRelay } from '../support/relay.ts'
import { serveRounds } from '../support/rounds.ts'
import { makeTokens, register, registration } from '../support/tasks.ts'

export interface LatencyRound {
  receiver: string
  upstream: string
  tasks: number
  windowMs: number
}

/** Longer than an interval: the first polls find every task new, and that is told first. */
const warmUpMs = 7_000
/** For what began at the window's end to arrive. */
const settleMs = 1_000

serveRounds<LatencyRound, { from: number; to: number }>(async ({ receiver, upstream, tasks, windowMs }) => {
  const upstreamFetch = createUpstreamFetch()
  const { relay, ownerId, close } = openRelay({
    env: {
      POLLHOOK_UPSTREAM_URL: upstream,
      POLLHOOK_POLL_INTERVAL: '5s',
      POLLHOOK_POLL_INTERVAL_MAX: '5s',
      POLLHOOK_OWNER_QUOTA: '10000000',
    },
    upstream: createUpstream({ fetch: upstreamFetch.fetch, timeoutMs: 20_000, userAgent: 'Pollhook/bench' }),
  })
  const tokens = makeTokens(tasks)
  register(
    relay,
    tokens.map((token) => registration(ownerId, token, `${receiver}/hook?t=${token}`)),
  )
  relay.start()
  await sleep(warmUpMs)
  while (relay.store.oldestDueAt(Date.now() - 1_000) !== null) await sleep(500)
  const from = monotonicMs()
  await sleep(windowMs)
  const to = monotonicMs()
  await sleep(settleMs)
  await close()
  await upstreamFetch.close()
  return { from, to }
})
