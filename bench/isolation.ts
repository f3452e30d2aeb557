/**
 * Do receivers that hang hurt those that answer? 100 endpoints, 1,000 tasks, 200 changes a second; on one side 10
 * endpoints never answer, whose tasks alone would fill all slots for attempts. Compares the time from the detection of a
 * change to its arrival at the others, and how much arrived there.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Upstream } from '../src/ports.ts'
import { mediansBeside } from './support/beside.ts'
import { atEnd } from './support/cleanup.ts'
import { percentile } from './support/figures.ts'
import { openRelay } from './support/relay.ts'

const endpoints = 100
const tasksEach = 10
/** Fewer than tasks of endpoints that hang, and as many for each endpoint as by default: a quarter. */
const slots = 64
const changeEveryMs = 5_000
const warmUpMs = 5_000
const measureMs = 15_000

interface Round {
  p50: number
  p95: number
  /** Webhooks that arrived at each endpoint which answers. */
  arrived: number
}

async function round(hanging: number): Promise<Round> {
  const receivers = fork(join(import.meta.dirname, 'support/receivers.ts'), [
    String(endpoints),
    String(hanging),
  ])
  const kill = atEnd(() => receivers.kill())
  const { ports } = await new Promise<{ ports: number[] }>((resolve, reject) => {
    receivers.once('message', resolve as never)
    receivers.once('exit', (code) => reject(new Error(`the receivers ended: ${code}`)))
  })
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
  const env = {
    POLLHOOK_POLL_INTERVAL: '500ms',
    POLLHOOK_POLL_INTERVAL_MAX: '1s',
    POLLHOOK_DELIVERY_CONCURRENCY: String(slots),
    POLLHOOK_ENDPOINT_CONCURRENCY: String(slots / 4),
  }
  const { relay, ownerId, close } = openRelay({ env, upstream })
  try {
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
    return {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      arrived: latencies.length / (endpoints - hanging),
    }
  } finally {
    await close().finally(kill)
  }
}

/** @returns the medians of both sides, and the ratios of one with hanging endpoints to one without */
export async function measureIsolation(rounds: number) {
  const sides = { alone: () => round(0), beside: () => round(endpoints / 10) }
  const medians = await mediansBeside<keyof typeof sides, Round>(rounds, sides, { warmUp: false })
  const { alone, beside } = medians as Record<keyof typeof sides, Round>
  return { alone, beside, ofAlone: beside.p95 / alone.p95, arrived: beside.arrived / alone.arrived }
}

if (process.argv[1] === import.meta.filename) {
  console.log(await measureIsolation(Number(process.argv[2] ?? 5)))
  process.exit(0)
}
