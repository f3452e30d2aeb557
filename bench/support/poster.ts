/** The signed POST that every side but Pollhook makes: undici's `Pool.dispatch` and Pollhook's own signer, nothing else. */
import { randomBytes } from 'node:crypto'
import { type Dispatcher, Pool } from 'undici'
import { createNodeSigner } from '../../src/net/node/signer.ts'

export const connections = 64

/** What waits in a queue: where the event goes, and the event. */
export interface Job {
  path: string
  event: object
}

export interface Poster {
  /** @returns once the receiver's answer has ended */
  post(id: string, path: string, body: string): Promise<void>
  close(): Promise<void>
}

export function createPoster(origin: string): Poster {
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const signer = createNodeSigner({})
  const secrets = [`whsec_${randomBytes(32).toString('base64')}`]
  return {
    post(id, path, body) {
      const timestamp = String(Math.floor(Date.now() / 1000))
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signer.sign(secrets, `${id}.${timestamp}.${body}`) as string,
      }
      return new Promise((resolve, reject) => {
        const handler: Dispatcher.DispatchHandler = {
          onRequestStart() {},
          onResponseStart(_controller, status) {
            if (status >= 300) reject(new Error(`the receiver answered ${status}`))
          },
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        }
        pool.dispatch({ path, method: 'POST', headers, body }, handler)
      })
    },
    close: () => pool.close(),
  }
}

/** As many jobs as Pollhook has deliveries, each of the size and shape of Pollhook's payloads. */
export function makeJobs(subscriptions: number, each: number): Job[] {
  return Array.from({ length: subscriptions * each }, (_, i) => {
    const token = (i % subscriptions).toString(16).padStart(32, '0')
    return { path: `/hook?t=${token}`, event: makeEvent(token, Math.floor(i / subscriptions)) }
  })
}

export function makeEvent(
  token: string,
  seq: number,
  percent: number | null = null,
  metadata: Record<string, string> = { note: 'y'.repeat(600) },
): object {
  const id = token.slice(-24)
  const data = { subscription_id: `sub_${id}`, task_token: token, seq, status: `s${seq}`, percent }
  const rest = { previous: null, metadata, error: null, result: null }
  return { type: `task.s${seq}`, timestamp: new Date().toISOString(), data: { ...data, ...rest } }
}
