/** A relay on loopback for fuzzing: its upstream answers as told, its log lines of level error are kept. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../../src/node.ts'
import { subjectVars } from '../contract/subject.ts'
import { createLoopback } from '../support/loopback.ts'

export interface UpstreamReply {
  status?: number
  body: string | Uint8Array
}

export type Answer = (tokens: string[]) => UpstreamReply

const key = 'a-key-for-the-hostile-tests'

export async function startFuzzedRelay() {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-fuzz-'))
  const loopback = createLoopback()
  const errors: string[] = []
  const script: { answer: Answer } = { answer: (tokens) => statuses(tokens, () => ({ status: 'encoding' })) }
  const upstream = await loopback.http(async (request, response) => {
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
    const reply = script.answer([...form.getAll('task_tokens[]'), ...form.getAll('task_tokens')])
    response.writeHead(reply.status ?? 200).end(reply.body)
  })
  const receiver = await loopback.http((request, response) => {
    request.resume()
    response.writeHead(204).end()
  })
  const relay = await startNode(
    {
      ...subjectVars,
      PORT: '0',
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_API_KEYS: `acme=${key}`,
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
      POLLHOOK_UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
      POLLHOOK_INSECURE_CALLBACKS: 'true',
      POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
    },
    (line) => errors.push(line),
  )
  return {
    script,
    errors,
    callbackUrl: `http://127.0.0.1:${receiver.port}/hook`,
    request: (path: string, init: RequestInit = {}) =>
      fetch(`${relay.url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
      }),
    async close() {
      await relay.stop()
      await loopback.closeAll()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type FuzzedRelay = Awaited<ReturnType<typeof startFuzzedRelay>>

/** A good answer of upstream with an entry for each token. */
export function statuses(tokens: readonly string[], entryOf: (token: string) => unknown): UpstreamReply {
  const entries = Object.fromEntries(tokens.map((token) => [token, entryOf(token)]))
  return { body: JSON.stringify({ error: 0, statuses: entries }) }
}
