/**
 * Registrations a second over HTTP, each on disk before its answer, singly and in batches of 100, beside Hono and
 * valibot that answer without a database. Each server is a process of its own; this one only asks.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Pool } from 'undici'
import { mediansBeside } from './support/beside.ts'
import { makeFolder } from './support/cleanup.ts'
import { cpuMicrosOf } from './support/process-cpu.ts'
import { startProcess } from './support/processes.ts'
import { cpuMicros, makeTokens } from './support/tasks.ts'

const connections = 64
const batchSize = 100

interface Round {
  single: number
  batched: number
  /** CPU of the server for each single registration. */
  singleCpuMicros: number
  /** CPU of whoever asks, for each of them: near a whole core the server waits for it. */
  askerCpuMicros: number
}

/** @param pid of the server */
async function load({ url, pid }: { url: string; pid: number }, key: string, count: number): Promise<Round> {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const post = async (path: string, body: unknown, status: number) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    const answer = await pool.request({ path, method: 'POST', headers, body: JSON.stringify(body) })
    const text = await answer.body.text()
    if (answer.statusCode !== status) throw new Error(`${path} answered ${answer.statusCode}: ${text}`)
    return text
  }
  const input = (token: string) => ({
    task_token: token,
    callback_url: `https://app.example.com/hooks?t=${token}`,
    metadata: { job: '7' },
  })
  const [serverBefore, askerBefore] = [cpuMicrosOf(pid), process.cpuUsage()]
  const single = await perSecond(count, async (token) => {
    await post('/v1/subscriptions', input(token), 201)
  })
  const singleCpuMicros = (cpuMicrosOf(pid) - serverBefore) / count
  const askerCpuMicros = cpuMicros(askerBefore) / count
  const batches = Math.max(1, Math.floor(count / batchSize))
  const batched = await perSecond(batches, async () => {
    const path = '/v1/subscriptions/batch'
    const answer = await post(path, { subscriptions: makeTokens(batchSize).map(input) }, 200)
    const { results } = JSON.parse(answer) as { results: { status: number }[] }
    if (results.some(({ status }) => status !== 201)) throw new Error('a registration of a batch was refused')
  })
  await pool.close()
  return { single, batched: batched * batchSize, singleCpuMicros, askerCpuMicros }
}

async function perSecond(count: number, work: (token: string) => Promise<void>): Promise<number> {
  const tokens = makeTokens(count)
  const startedAt = performance.now()
  const worker = async () => {
    for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) await work(token)
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return (count / (performance.now() - startedAt)) * 1000
}

/** Takes calls and never answers: four are open until it is cut off, so that registering is all that the relay does. */
async function silentUpstream(): Promise<{ url: string; cut(): void }> {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function relayRound(count: number): Promise<Round> {
  const { folder, remove } = makeFolder()
  const key = randomBytes(20).toString('hex')
  const upstream = await silentUpstream()
  const server = await startProcess<{ url: string }>('relay-server.ts', {
    PORT: '0',
    POLLHOOK_DB: join(folder, 'bench.db'),
    POLLHOOK_API_KEYS: `bench=${key}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: upstream.url,
    // Longer than the round: the first call to time out closes the host, and then each task is written down as failing.
    POLLHOOK_POLL_TIMEOUT: '10m',
    POLLHOOK_OWNER_QUOTA: '10000000',
  })
  const round = await load({ url: server.ready.url, pid: server.pid }, key, count)
  upstream.cut()
  await server.stop()
  remove()
  return round
}

async function bareRound(count: number): Promise<Round> {
  const server = await startProcess<{ url: string }>('bare-server.ts')
  const round = await load({ url: server.ready.url, pid: server.pid }, 'none', count)
  await server.stop()
  return round
}

/** @returns medians of both sides and their ratios */
export async function measureRegistrations(rounds: number, count: number) {
  const sides = { relay: () => relayRound(count), bare: () => bareRound(count) }
  const medians = await mediansBeside<keyof typeof sides, Round>(rounds, sides, { warmUp: false })
  const { relay, bare } = medians as Record<keyof typeof sides, Round>
  return {
    singlePerSecond: Math.round(relay.single),
    bareSinglePerSecond: Math.round(bare.single),
    singleRatio: relay.single / bare.single,
    singleCpuMicros: relay.singleCpuMicros,
    bareSingleCpuMicros: bare.singleCpuMicros,
    askerCpuMicros: relay.askerCpuMicros,
    bareAskerCpuMicros: bare.askerCpuMicros,
    batchedPerSecond: Math.round(relay.batched),
    bareBatchedPerSecond: Math.round(bare.batched),
    batchedRatio: relay.batched / bare.batched,
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, count = 20_000] = process.argv.slice(2).map(Number)
  console.log(await measureRegistrations(rounds, count))
}
