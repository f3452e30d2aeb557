/**
 * Do receivers that hang hurt those that answer? 100 endpoints, 1,000 tasks, 200 changes a second; in every other
 * round 10 endpoints never answer. Compares the time from the detection of a change to its arrival at the others.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Upstream } from '../src/ports.ts'
import { median, percentile } from './support/figures.ts'
import { openRelay } from './support/relay.ts'

const endpoints = 100
const tasksEach = 10
const changeEveryMs = 5_000
const warmUpMs = 5_000
const measureMs = 15_000
const rounds = Number(process.argv[2] ?? 5)

async function round(hanging: number): Promise<{ p50: number; p95: number; count: number }> {
  const receivers = fork(join(import.meta.dirname, 'support/receivers.ts'), [
    String(endpoints),
    String(hanging),
  ])
  const { ports } = await new Promise<{ ports: number[] }>((resolve) =>
    receivers.once('message', resolve as never),
  )
  const tokens = Array.from({ length: endpoints * tasksEach }, () => randomBytes(16).toString('hex'))
  const phases = new Map(tokens.map((token, i) => [token, (i / tokens.length) * changeEveryMs]))
  const upstream: Upstream = {
    async status(_origin, asked) {
      const now = Date.now()
      const entries = asked.map((token) => {
        const turn = Math.floor((now + (phases.get(token) ?? 0)) / changeEveryMs)
        return [token, { status: turn % 2 === 0 ? 'encoding' : 'processing' }] as const
      })
      return { kind: 'statuses', statuses: new Map(entries) }
    },
  }
  const env = { POLLHOOK_POLL_INTERVAL: '500ms', POLLHOOK_POLL_INTERVAL_MAX: '1s' }
  const { relay, ownerId, close } = openRelay({ env, upstream })
  relay.start()
  await relay.commands.subscribe(
    tokens.map((taskToken, i) => ({
      ownerId,
      taskToken,
      callbackUrl: `http://127.0.0.1:${ports[i % endpoints]}/`,
      statusUrl: null,
      events: ['*'],
      percentStep: 1,
      metadata: {},
      secret: null,
      expiresInMs: 600_000,
    })),
  )
  await sleep(warmUpMs)
  receivers.send('reset')
  await sleep(measureMs)
  const reported = new Promise<{ latencies: number[] }>((resolve) =>
    receivers.once('message', resolve as never),
  )
  receivers.send('report')
  const { latencies } = await reported
  await close()
  receivers.kill()
  return { p50: percentile(latencies, 0.5), p95: percentile(latencies, 0.95), count: latencies.length }
}

const healthy: number[] = []
const beside: number[] = []
for (let i = 0; i < rounds; i++) {
  for (const [hanging, into] of [
    [0, healthy],
    [endpoints / 10, beside],
  ] as const) {
    const result = await round(hanging)
    into.push(result.p95)
    console.log(`round ${i + 1}, ${hanging} hanging:`, JSON.stringify(result))
  }
}
const ratio = median(beside) / median(healthy)
console.log(
  `p95 of the healthy: ${median(healthy)} ms alone, ${median(beside)} ms beside hanging ones, ratio ${ratio.toFixed(2)}`,
)
process.exit(ratio < 2 ? 0 : 1)
