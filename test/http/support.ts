/** An app over scripted commands and queries: each test overrides the few answers that it is about. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Commands } from '../../src/commands.ts'
import { createApp } from '../../src/http/app.ts'
import type { AppDeps } from '../../src/http/deps.ts'
import type { Queries } from '../../src/store/queries.ts'
import type {
  DeliveryDetail,
  EndpointRecord,
  SubscriptionInput,
  SubscriptionRecord,
  TaskDetail,
  TransitionEvent,
} from '../../src/store/records.ts'

export const key = 'key-of-acme-0123456789abcdef'
export const token = '471272a512d76c22665db9dcee893409'
export const at = Date.parse('2026-11-23T10:00:00.000Z')

export const subscriptionRecord: SubscriptionRecord = {
  id: 'sub_1',
  taskToken: token,
  callbackUrl: 'https://app.example.com/hooks',
  statusUrl: null,
  events: ['*'],
  percentStep: 1,
  metadata: {},
  ownSecret: false,
  state: 'active',
  stateReason: null,
  task: { taskToken: token, status: 'encoding', percent: 42, seq: 7, changedAt: at - 2, endedAt: null },
  createdAt: at,
  expiresAt: at + 86_400_000,
}

export const deliveryRecord: DeliveryDetail = {
  id: 'dlv_1',
  webhookId: 'msg_1_7',
  subscriptionId: 'sub_1',
  taskToken: token,
  type: 'task.completed',
  seq: 7,
  state: 'exhausted',
  stateReason: 'attempts_exhausted',
  attempts: 1,
  nextAttemptAt: null,
  createdAt: at,
  finishedAt: at + 5,
  callbackUrl: 'https://app.example.com/hooks',
  body: '{"type":"task.completed"}',
  attemptLog: [
    {
      attempt: 1,
      at,
      url: 'https://app.example.com/hooks',
      outcome: 'rejected',
      statusCode: 500,
      errorCode: null,
      durationMs: 12,
      responseBody: 'no',
    },
  ],
}

export const endpointRecord: EndpointRecord = {
  id: 'ep_1',
  origin: 'https://app.example.com',
  state: 'failing',
  failingSince: at - 2,
  lastSuccessAt: at - 3,
  backlog: 3,
  oldestWaitingAt: at - 1,
  retryAfterUntil: at + 1,
  paused: false,
  maxConcurrency: 2,
  maxPerSecond: 5,
}

export const taskRecord: TaskDetail = {
  ...subscriptionRecord.task,
  status: 'completed',
  endedAt: at - 1,
  error: null,
  resultJson: '{"videos":[]}',
  transitions: [{ seq: 7, type: 'task.completed', status: 'completed', percent: 42, at }],
}

export function transition(seq: number, type = 'task.encoding'): TransitionEvent {
  return {
    seq,
    type,
    status: 'encoding',
    percent: seq,
    at,
    previous: null,
    error: null,
    result: { json: null, dropped: false },
  }
}

/** The record that a store would have made of `input`. */
export function recordOf(input: SubscriptionInput, id = 'sub_1'): SubscriptionRecord {
  const { taskToken, callbackUrl, statusUrl, percentStep } = input
  return {
    ...subscriptionRecord,
    id,
    taskToken,
    callbackUrl,
    statusUrl,
    percentStep,
    events: [...input.events],
    metadata: { ...input.metadata },
    ownSecret: input.secret !== null,
    expiresAt: at + input.expiresInMs,
  }
}

const emptyPage = { data: [], nextCursor: null, positions: [] }

const queries: Queries = {
  subscription: (_owner, id) => (id === 'sub_1' ? subscriptionRecord : null),
  listSubscriptions: () => ({ data: [subscriptionRecord], nextCursor: 'c1', positions: [] }),
  task: (_owner, taskToken) => (taskToken === token ? taskRecord : null),
  listTasks: () => ({ data: [taskRecord], nextCursor: null, positions: [] }),
  delivery: (_owner, id) => (id === 'dlv_1' ? deliveryRecord : null),
  listDeliveries: () => ({ data: [deliveryRecord], nextCursor: null, positions: [] }),
  listEndpoints: () => ({ data: [endpointRecord], nextCursor: null, positions: [] }),
  endpoint: () => endpointRecord,
  transitionsAfter: () => [],
  streamState: () => null,
}

const commands: Commands = {
  subscribe: async (inputs) =>
    inputs.map((input, index) => ({ kind: 'created', subscription: recordOf(input, `sub_${index + 1}`) })),
  updateSubscription: async () => ({ kind: 'updated', subscription: subscriptionRecord }),
  cancelSubscription: async (_owner, id) => id === 'sub_1',
  sendTest: async () => ({ kind: 'queued', delivery: deliveryRecord }),
  redeliver: async () => ({ kind: 'queued', delivery: deliveryRecord }),
  redeliverMany: async () => ({ count: 2 }),
  updateEndpoint: async (_owner, id) => (id === 'ep_1' ? endpointRecord : null),
  signingSecrets: () => [{ secret: 'whsec_new', expiresAt: null }],
  rotateSigningSecret: async () => [
    { secret: 'whsec_new', expiresAt: null },
    { secret: 'whsec_old', expiresAt: at },
  ],
  hint: () => {},
  polledAt: () => at,
  ready: () => true,
}

export interface Overrides {
  queries?: Partial<Queries>
  commands?: Partial<Commands>
  deps?: Partial<AppDeps>
}

export function testApp(overrides: Overrides = {}) {
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = []
  const logAt =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      logged.push({ level, message, fields })
    }
  let requests = 0
  const app = createApp({
    queries: { ...queries, ...overrides.queries },
    commands: { ...commands, ...overrides.commands },
    authenticate: (given) => (given === key ? { id: 1, name: 'acme' } : null),
    now: () => at,
    requestId: () => `req_${++requests}`,
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    policy: {
      callback: { insecure: false, privateCidrs: [] },
      status: {
        apiOrigin: 'https://api.qencode.com',
        hostPatterns: [{ host: 'qencode.com', below: true, port: null }],
      },
    },
    watch: { defaultMs: 86_400_000, maxMs: 604_800_000 },
    jwks: () => null,
    transitions: { subscribe: () => () => {} },
    every: () => () => {},
    closing: new AbortController().signal,
    docsAsset,
    version: '0.1.0',
    ...overrides.deps,
  })
  return { app, logged, call: caller(app) }
}

/** Calls with the API key; a `body` that is no string is sent as JSON. */
function caller(app: ReturnType<typeof createApp>) {
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
    })
    return response
  }
}

async function docsAsset(name: string) {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  return new Uint8Array(await readFile(join(folder, name)))
}

export { emptyPage }
