/**
 * A webhook receiver as an app would write it: reads the body, checks the signature with the official
 * `standardwebhooks` package, answers 401 when it does not fit, else 204, what it was told to or what the app
 * behind it says. Knows nothing of the relay but its signing secrets.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import * as v from 'valibot'
import { type Answer, forward } from './forward.ts'

export interface ReceivedWebhook {
  /** `webhook-id`; empty when the header is missing. */
  id: string
  /** False when no secret fits; then nothing else of it can be trusted. */
  verified: boolean
  /** This id came before: at least once means that it may. */
  repeat: boolean
  /** Null when the body is no such event. */
  event: WebhookEvent | null
  /** The HTTP status that it is answered with. */
  answer: number
}

/** The parts of CONTRACT §3 that a display needs. */
export interface WebhookEvent {
  type: string
  data: {
    subscription_id: string
    task_token: string
    seq: number | null
    status: string | null
    percent: number | null
    metadata: Record<string, string>
    error: { code: number; description: string | null } | null
  }
}

export interface ReceiverOptions {
  /** `whsec_…`; any of them may fit. */
  secrets: readonly string[]
  /** Called just before the answer is sent. */
  onWebhook: (webhook: ReceivedWebhook) => void
  /** Answers to verified webhooks in turn; the last one stays. 204 unless told. */
  statuses?: readonly number[]
  /** Where verified webhooks are passed on; its answer is the answer, 502 when there is none. */
  forwardTo?: string
  /** On 127.0.0.1; 0, a free one, unless told. */
  port?: number
}

export interface Receiver {
  /** The callback URL. */
  url: string
  close(): Promise<void>
}

/** A result is at most 256 KiB (CONTRACT §3). */
const bodyBytesMax = 1024 * 1024
/** Ids that are remembered to tell repeats. */
const idsMax = 10_000

/** @throws when the port is taken or a secret is malformed */
export async function createReceiver(options: ReceiverOptions): Promise<Receiver> {
  const webhooks = options.secrets.map((secret) => new Webhook(secret))
  const seen = new Set<string>()
  const nextStatus = inTurn(options.statuses ?? [204])
  const closing = new AbortController()
  const server = createServer(async (request, response) => {
    const answer = ({ status, retryAfter }: Answer) =>
      response.writeHead(status, retryAfter === null ? {} : { 'retry-after': retryAfter }).end()
    if (request.method !== 'POST') return answer(withStatus(405))
    const body = await readBody(request).catch(() => null)
    if (body === null) return answer(withStatus(413))
    const read = readWebhook({ webhooks, seen, body, headers: request.headers })
    const accept = () =>
      options.forwardTo === undefined
        ? withStatus(nextStatus())
        : forward(options.forwardTo, { body, headers: request.headers, signal: closing.signal })
    const given = read.verified ? await accept() : withStatus(401)
    // Nobody is there any more to be answered.
    if (closing.signal.aborted) return
    options.onWebhook({ ...read, answer: given.status })
    return answer(given)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    close: () =>
      new Promise((resolve) => {
        closing.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function withStatus(status: number): Answer {
  return { status, retryAfter: null }
}

function inTurn(statuses: readonly number[]): () => number {
  let index = 0
  return () => statuses[Math.min(index++, statuses.length - 1)] ?? 204
}

/** Null when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > bodyBytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readWebhook({
  webhooks,
  seen,
  body,
  headers,
}: {
  webhooks: readonly Webhook[]
  seen: Set<string>
  body: string
  headers: IncomingMessage['headers']
}): Omit<ReceivedWebhook, 'answer'> {
  const id = String(headers['webhook-id'] ?? '')
  const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  if (!webhooks.some((webhook) => verifies(webhook, body, plain))) {
    return { id, verified: false, repeat: false, event: null }
  }
  const repeat = seen.has(id)
  seen.add(id)
  for (const oldest of seen) {
    if (seen.size <= idsMax) break
    seen.delete(oldest)
  }
  return { id, verified: true, repeat, event: parseEvent(body) }
}

function verifies(webhook: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    webhook.verify(body, headers)
    return true
  } catch {
    return false
  }
}

/**
 * What is shown of an event. What is signed comes from the relay or, where an app is tested, from whoever has its secret:
 * that may leave things out, but nothing that it says may be of another type.
 */
const eventShape = v.looseObject({
  type: v.string(),
  data: v.looseObject({
    task_token: v.string(),
    seq: v.nullish(v.number()),
    status: v.nullish(v.string()),
    percent: v.nullish(v.number()),
    metadata: v.nullish(v.record(v.string(), v.string())),
    error: v.nullish(v.looseObject({ description: v.nullish(v.string()) })),
  }),
})

function parseEvent(body: string): WebhookEvent | null {
  try {
    const event = JSON.parse(body) as WebhookEvent | null
    return v.is(eventShape, event) ? event : null
  } catch {
    return null
  }
}
