/**
 * A scripted upstream and receivers for the Worker under test. They stand in for `fetch`, which the Worker's
 * code shares with the tests of its isolate. Knows nothing of the relay but its API.
 */
import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Webhook } from 'standardwebhooks'
import { expect, vi } from 'vitest'
import worker from '../../src/worker.ts'
import { json, newToken, type Subscription, statusAnswers, until } from '../contract/subject.ts'
import { apiKey, upstreamUrl } from './bindings.ts'

export { json, newToken, type Subscription, until }

export interface Received {
  id: string
  type: string
  url: string
  seq: number
  token: string
  subscriptionId: string
  body: string
  headers: Record<string, string>
  verified: boolean
}

export interface World {
  received: Received[]
  /** Tokens of each status call. */
  calls: string[][]
  /** What upstream says of a token; `asked` counts from 1. */
  statusOf(token: string, asked: number): Record<string, unknown> | null
  /** Resolves when the receiver's connection is there; default: at once. */
  connect(signal: AbortSignal): Promise<void>
  /** How a receiver answers. */
  answer(webhook: Received): Response
  verifyWith(...secrets: string[]): void
}

export function openWorld(): World {
  let verifiers: Webhook[] = []
  const world: World = {
    received: [],
    calls: [],
    statusOf: () => ({ status: 'encoding' }),
    connect: async () => {},
    answer: () => new Response(null, { status: 204 }),
    verifyWith(...secrets) {
      verifiers = secrets.map((secret) => new Webhook(secret))
    },
  }

  const answerOf = statusAnswers(world)

  function status(body: string): Response {
    const { tokens, answer } = answerOf(body)
    world.calls.push(tokens)
    return Response.json(answer)
  }

  function receive(url: string, sent: Headers, body: string): Response {
    const headers = Object.fromEntries(sent)
    const { type, data } = JSON.parse(body)
    const verified = verifiers.some((verifier) => fits(verifier, body, headers))
    const id = headers['webhook-id'] ?? ''
    const ids = { seq: data.seq, token: data.task_token, subscriptionId: data.subscription_id }
    const webhook: Received = { id, type, url, ...ids, body, headers, verified }
    world.received.push(webhook)
    return world.answer(webhook)
  }

  // Never taken back: a shard goes on polling after the test that is over.
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const body = String(init.body)
    if (url.startsWith(upstreamUrl)) return status(body)
    await world.connect(init.signal!)
    return receive(url, new Headers(init.headers), body)
  })
  return world
}

function fits(verifier: Webhook, body: string, headers: Record<string, string>): boolean {
  try {
    verifier.verify(body, headers)
    return true
  } catch {
    return false
  }
}

export type Call = (method: string, path: string, body?: unknown, key?: string) => Promise<Response>

/** The router over these shards, called as an app would; a `body` is sent as JSON. */
export function routerOver(shards: string): Call {
  const send = senderTo(shards)
  return (method, path, body, key = apiKey) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return send(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  }
}

/** The same, called as no app should. */
export function senderTo(shards: string) {
  const over = envOver(shards)
  return (path: string, init: RequestInit): Promise<Response> =>
    worker.fetch(new Request(`https://pollhook.test${path}`, init), over)
}

export function runCron(shards: string): Promise<void> {
  return worker.scheduled(createScheduledController(), envOver(shards))
}

function envOver(shards: string): Env {
  return { ...env, POLLHOOK_SHARDS: shards } as Env
}

/** Over one shard. */
export const call = routerOver('1:1')

const firstOfNewShards = 100
let newShards: number[] = []

/** A shard that no other test meets, the only one of its generation. Its stub is for one use, as a crash breaks it. */
export function newShard() {
  const generation = firstOfNewShards + newShards.length
  newShards.push(generation)
  const id = env.SHARDS.idFromName(`${generation}:0`)
  return { call: routerOver(`${generation}:1`), shard: () => env.SHARDS.get(id) }
}

/** Wakes every shard that a test has used: a reset overlooks what is not in memory. */
export async function wakeAll(): Promise<void> {
  const made = newShards.map((generation) => `${generation}:1`)
  newShards = []
  await runCron([...made.reverse(), '3:2', '2:3', '1:2'].join())
}

const callbackUrl = 'https://app.example.com/hooks'
export const registration = (token = newToken()) => ({ task_token: token, callback_url: callbackUrl })

export async function register(router: Call, token = newToken(), key = apiKey): Promise<Subscription> {
  const response = await router('POST', '/v1/subscriptions', registration(token), key)
  expect(response.status).toBe(201)
  return json(response)
}

export async function signingSecrets(key = apiKey): Promise<string[]> {
  const { secrets } = await json<{ secrets: { secret: string }[] }>(
    call('GET', '/v1/signing-secret', undefined, key),
  )
  return secrets.map(({ secret }) => secret)
}
