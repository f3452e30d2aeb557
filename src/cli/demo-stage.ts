/**
 * The parts of the demo on loopback, each started in turn and stopped in the opposite order: simulated
 * upstream, relay on a temporary database, verifying receiver. Knows no display.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSimulator, type Simulator } from '../simulator/simulator.ts'
import { newKey } from './keys.ts'
import { createReceiver, type ReceivedWebhook } from './receiver.ts'

export interface Stage {
  relayUrl: string
  receiverUrl: string
  apiKey: string
  simulator: Simulator
  register(subscription: Record<string, unknown>): Promise<void>
  /** Stops everything and deletes the database. */
  stop(): Promise<void>
}

export interface StageOptions {
  /** How much faster than the clock jobs run. */
  speed: number
  onWebhook: (received: ReceivedWebhook) => void
  /** One log line of the relay. */
  onLog: (line: string) => void
}

export async function createStage({ speed, onWebhook, onLog }: StageOptions): Promise<Stage> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'pollhook-demo-'))
    stops.push(() => rm(folder, { recursive: true, force: true }))
    const simulator = await createSimulator({ masters: 3, speed, durationMs: 30_000 })
    stops.push(simulator.close)
    const apiKey = newKey()
    const { startNode } = await import('../node.ts')
    const relay = await startNode(relayEnvironment({ simulator, apiKey, folder }), onLog)
    stops.push(() => relay.stop())
    const call = createCaller(relay.url, apiKey)
    const { secrets } = (await call('/v1/signing-secret')) as { secrets: { secret: string }[] }
    const receiver = await createReceiver({ secrets: secrets.map(({ secret }) => secret), onWebhook })
    stops.push(receiver.close)
    return {
      relayUrl: relay.url,
      receiverUrl: receiver.url,
      apiKey,
      simulator,
      register: async (subscription) => void (await call('/v1/subscriptions', subscription)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function relayEnvironment({
  simulator,
  apiKey,
  folder,
}: {
  simulator: Simulator
  apiKey: string
  folder: string
}): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    POLLHOOK_DB: join(folder, 'pollhook.db'),
    POLLHOOK_API_KEYS: `demo=${apiKey}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: simulator.url,
    POLLHOOK_UPSTREAM_HOSTS: '127.0.0.1:*',
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8,::1/128',
    POLLHOOK_POLL_INTERVAL: '500ms',
    POLLHOOK_POLL_INTERVAL_MAX: '2s',
    LOG_LEVEL: 'error',
  }
}

/** Calls the relay's API as an app would. */
function createCaller(relayUrl: string, apiKey: string): (path: string, body?: object) => Promise<unknown> {
  return async (path, body) => {
    const response = await fetch(`${relayUrl}${path}`, {
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`)
    return answer
  }
}
