/** Pollhook on Node for the contract suites: one file, real sockets on loopback. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../../src/node.ts'
import { createLoopback, onBody } from '../support/loopback.ts'
import { type Received, type Script, type Subject, statusAnswers, subjectVars } from './subject.ts'

const keys = { acme: 'a-key-for-the-contract-suites', other: 'another-key-for-the-contract-suites' }

interface Running {
  url: string
  stop(): Promise<void>
  /** Ends it so that it touches nothing any more: no file, no socket. */
  crash(): Promise<void>
}

type Start = (env: Record<string, string>) => Promise<Running>

/** Quick to start, but what is under way in it cannot be ended: a restart is a stop. */
export const here: Start = async (env) => {
  const relay = await startNode(env, () => {})
  return { ...relay, crash: relay.stop }
}

/** Ended between any two instructions; the system takes its file, its lock and its sockets away. */
export const inProcess: Start = async (env) => {
  const child = fork(join(import.meta.dirname, 'node-process.ts'), { env: { ...process.env, ...env } })
  const exited = once(child, 'exit')
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    async stop() {
      child.send('stop')
      await exited
    },
    async crash() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

export async function openNode(begin: Start): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-contract-'))
  const received: Received[] = []
  const script: Script = { statusOf: () => ({ status: 'encoding' }), reply: () => ({ status: 204 }) }
  const answerOf = statusAnswers(script)
  const loopback = createLoopback()
  const upstream = await loopback.http(
    onBody((body, response) => response.end(JSON.stringify(answerOf(body).answer))),
  )
  const receiver = await loopback.http(
    onBody((body, response, request) => {
      const { type, data } = JSON.parse(body)
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, v]) => [name, String(v)]),
      )
      const ids = { seq: data.seq, token: data.task_token, subscriptionId: data.subscription_id }
      const url = callbackUrl(request.url ?? '')
      const webhook: Received = { id: headers['webhook-id'] ?? '', type, ...ids, url, body, headers }
      received.push(webhook)
      const reply = script.reply(webhook)
      response.writeHead(reply.status, reply.headers).end()
    }),
  )
  const callbackUrl = (path: string) => `http://127.0.0.1:${receiver.port}${path}`
  const env = {
    ...subjectVars,
    PORT: '0',
    POLLHOOK_DB: join(folder, 'relay.db'),
    POLLHOOK_API_KEYS: `acme=${keys.acme},other=${keys.other}`,
    POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    POLLHOOK_UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
  }
  let relay = await begin(env)
  return {
    script,
    received,
    keys,
    call: (method, path, body, key = keys.acme) =>
      fetch(`${relay.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    callbackUrl,
    async restart() {
      await relay.crash()
      relay = await begin(env)
    },
    async close() {
      await relay.stop()
      await loopback.closeAll()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
