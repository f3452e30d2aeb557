/** Pollhook on Node for the contract suites: one file, real sockets on loopback. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../../src/node.ts'
import { type Received, type Reply, type Script, type Subject, subjectVars } from './subject.ts'

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
  const asked = new Map<string, number>()
  const received: Received[] = []
  const script: Script = { statusOf: () => ({ status: 'encoding' }), reply: () => ({ status: 204 }) }

  const upstream = await serve((body) => {
    const form = new URLSearchParams(body)
    const tokens = [...form.getAll('task_tokens[]'), ...form.getAll('task_tokens')]
    const statuses = tokens.map((token) => {
      const times = (asked.get(token) ?? 0) + 1
      asked.set(token, times)
      return [token, script.statusOf(token, times)]
    })
    return { status: 200, body: JSON.stringify({ error: 0, statuses: Object.fromEntries(statuses) }) }
  })
  const receiver = await serve((body, request) => {
    const { type, data } = JSON.parse(body)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, v]) => [name, String(v)]))
    const ids = { seq: data.seq, token: data.task_token, subscriptionId: data.subscription_id }
    const url = `${receiver.url}${request.url}`
    const webhook: Received = { id: headers['webhook-id'] ?? '', type, ...ids, url, body, headers }
    received.push(webhook)
    return script.reply(webhook)
  })
  const env = {
    ...subjectVars,
    PORT: '0',
    POLLHOOK_DB: join(folder, 'relay.db'),
    POLLHOOK_API_KEYS: `acme=${keys.acme},other=${keys.other}`,
    POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    POLLHOOK_UPSTREAM_URL: upstream.url,
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
    callbackUrl: (path) => `${receiver.url}${path}`,
    async restart() {
      await relay.crash()
      relay = await begin(env)
    },
    async close() {
      await relay.stop()
      for (const { server } of [upstream, receiver]) {
        server.closeAllConnections()
        server.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function serve(answer: (body: string, request: IncomingMessage) => Reply & { body?: string }) {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const { status, headers, body: text } = answer(body, request)
      response.writeHead(status, headers).end(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
