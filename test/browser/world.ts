/** What a browser is shown: a relay on Node, the simulator as its upstream, and receivers that answer as told. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../../src/node.ts'
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts'

export interface DashboardWorld {
  url: string
  key: string
  otherKey: string
  simulator: Simulator
  /** Origins: one that accepts, one that answers 500 in words, one that hangs up. */
  receivers: { good: string; bad: string; down: string }
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>
  /** Every log line of the relay. */
  logged: string[]
  close(): Promise<void>
}

export interface WorldOptions {
  /** How long the accepting receiver takes, in milliseconds, for its n-th request. */
  latencyMs?: (n: number) => number
  env?: Record<string, string>
}

export async function openWorld({
  latencyMs = () => 0,
  env = {},
}: WorldOptions = {}): Promise<DashboardWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'pollhook-browser-'))
  const simulator = await createSimulator({ masters: 2, durationMs: 30_000, seed: 7 })
  let requests = 0
  const good = await listen((_request, response) => {
    setTimeout(() => response.writeHead(204).end(), latencyMs(requests++))
  })
  const bad = await listen((_request, response) => {
    response.writeHead(500, { 'content-type': 'text/plain' })
    response.end('Internal Server Error\n\nPG::ConnectionBad: could not connect to server')
  })
  const down = await listen((request) => request.socket.destroy())
  const key = 'key-of-acme-for-the-browser-tests'
  const otherKey = 'key-of-other-for-the-browser-tests'
  const logged: string[] = []
  const relay = await startNode(
    {
      PORT: '0',
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_API_KEYS: `acme=${key},other=${otherKey}`,
      POLLHOOK_SECRET: randomBytes(32).toString('base64'),
      POLLHOOK_UPSTREAM_URL: simulator.url,
      POLLHOOK_UPSTREAM_HOSTS: '127.0.0.1:*',
      POLLHOOK_INSECURE_CALLBACKS: 'true',
      POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8,::1/128',
      POLLHOOK_POLL_INTERVAL: '200ms',
      POLLHOOK_POLL_INTERVAL_MAX: '400ms',
      ...env,
    },
    (line) => logged.push(line),
  )
  return {
    url: relay.url,
    key,
    otherKey,
    simulator,
    receivers: { good: urlOf(good), bad: urlOf(bad), down: urlOf(down) },
    logged,
    async call<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(`${relay.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      if (!response.ok)
        throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as T
    },
    async close() {
      await relay.stop()
      await simulator.close()
      for (const server of [good, bad, down]) {
        server.closeAllConnections()
        server.close()
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function listen(answer: RequestListener): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
