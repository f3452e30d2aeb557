/**
 * Durable deliveries a second through the whole engine (due, signed, POSTed, settled on disk, in order per
 * subscription) beside the same signed POSTs from a bare undici Pool with no store. Ratios within one run.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Pool } from 'undici'
import { createNodeSigner } from '../src/net/node/signer.ts'
import { median } from './support/figures.ts'
import { openRelay } from './support/relay.ts'
import { change, cpuMicros, makeTokens, register, registration } from './support/tasks.ts'

const subscriptions = 1_000
const each = 20
const total = subscriptions * each
const connections = 64

interface Figures {
  perSecond: number
  cpuMicros: number
}

async function engine(origin: string): Promise<Figures> {
  let settled = 0
  let done = () => {}
  const finished = new Promise<void>((resolve) => {
    done = resolve
  })
  const { relay, ownerId, close } = openRelay({
    upstream: { status: async () => ({ kind: 'busy', retryAfterMs: 60_000 }) },
    observer: {
      settled(attempts) {
        settled += attempts.length
        if (settled >= total) done()
      },
    },
  })
  const tokens = makeTokens(subscriptions)
  register(
    relay,
    tokens.map((token) => registration(ownerId, token, `${origin}/hook?t=${token}`)),
  )
  for (let i = 0; i < each; i++) change(relay, tokens, `s${i}`)
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  relay.start()
  await finished
  const figures = figuresSince(startedAt, cpu)
  await close()
  return figures
}

async function bare(origin: string): Promise<Figures> {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const signer = createNodeSigner({})
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const body = JSON.stringify({ note: 'z'.repeat(1000) })
  let left = total
  let open = 0
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      while (open < connections && left > 0) {
        left--
        open++
        const timestamp = String(Math.floor(Date.now() / 1000))
        const signature = signer.sign([secret], `msg_1.${timestamp}.${body}`) as string
        const headers = {
          'content-type': 'application/json',
          'webhook-id': 'msg_1',
          'webhook-timestamp': timestamp,
          'webhook-signature': signature,
        }
        pool.dispatch({ path: '/hook', method: 'POST', headers, body }, {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd() {
            open--
            if (left === 0 && open === 0) resolve()
            else send()
          },
          onResponseError: (_controller: unknown, error: Error) => reject(error),
        } as never)
      }
    }
    send()
  })
  const figures = figuresSince(startedAt, cpu)
  await pool.close()
  return figures
}

function figuresSince(startedAt: number, cpu: NodeJS.CpuUsage): Figures {
  return { perSecond: (total / (performance.now() - startedAt)) * 1000, cpuMicros: cpuMicros(cpu) / total }
}

/** @returns the ratio of the medians and each median */
export async function measureDeliveries(rounds: number) {
  const sink = fork(join(import.meta.dirname, 'support/sink.ts'))
  const port = await new Promise<number>((resolve) => sink.once('message', resolve as never))
  const origin = `http://127.0.0.1:${port}`
  const figures: { engine: Figures[]; bare: Figures[] } = { engine: [], bare: [] }
  for (let i = 0; i < rounds; i++) {
    figures.engine.push(await engine(origin))
    figures.bare.push(await bare(origin))
  }
  sink.kill()
  const pick = (of: Figures[], key: keyof Figures) => median(of.map((one) => one[key]))
  return {
    deliveriesPerSecond: Math.round(pick(figures.engine, 'perSecond')),
    barePerSecond: Math.round(pick(figures.bare, 'perSecond')),
    ratio: pick(figures.engine, 'perSecond') / pick(figures.bare, 'perSecond'),
    cpuMicrosPerDelivery: pick(figures.engine, 'cpuMicros'),
    bareCpuMicros: pick(figures.bare, 'cpuMicros'),
  }
}

if (process.argv[1] === import.meta.filename) {
  console.log(await measureDeliveries(Number(process.argv[2] ?? 5)))
  process.exit(0)
}
