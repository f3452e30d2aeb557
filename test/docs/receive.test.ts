/** The receivers of docs/guides/receive.md, run as they stand there against genuine and forged webhooks. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import { freePort } from '../support/free-port.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/guides/receive.md'), 'utf8')
const snippets = new Map(
  [...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]),
)
const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const body = JSON.stringify({
  type: 'task.encoding',
  timestamp: new Date().toISOString(),
  data: { task_token: 'a'.repeat(32), percent: 42.5, metadata: { title: 'Größe' } },
})
/** As large as a webhook with the longest result (CONTRACT §3). */
const largest = JSON.stringify({ ...JSON.parse(body), result: 'x'.repeat(256 * 1024) })
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) process.stdout.write('skipped: python3 is not here\n')

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollhook-receive-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [name, code] of snippets) writeFileSync(join(folder, name), code)
})
afterAll(() => rmSync(folder, { recursive: true }))

function signatureOf(by: string, signed: string, timestamp = Math.floor(Date.now() / 1000)): string {
  return createNodeSigner({}).sign([by], `msg_1.${timestamp}.${signed}`) as string
}

function headersFor(signed: string): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1000)
  return {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatureOf(secret, signed, timestamp),
  }
}

describe('docs/guides/receive.md', () => {
  it('has a receiver for each framework', () => {
    expect([...snippets.keys()]).toEqual([
      'express.mjs',
      'hono.mjs',
      'fastify.mjs',
      'next.mjs',
      'receive.py',
      'plain.mjs',
    ])
  })

  it.each(['express.mjs', 'hono.mjs', 'fastify.mjs'])(
    '%s takes what is genuine and nothing else',
    async (name) => {
      const port = await freePort()
      const env = { ...process.env, PORT: String(port), POLLHOOK_SIGNING_SECRET: secret }
      const child = spawn(process.execPath, [join(folder, name)], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      // Also when something is not as expected: its output would keep the test run alive.
      onTestFinished(() => void child.kill())
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      expect((await lines.next()).value).toBe('ready')
      const post = (sent: string, signed: string) =>
        fetch(`http://localhost:${port}/hooks/transcode`, {
          method: 'POST',
          body: sent,
          headers: headersFor(signed),
        })
      expect((await post(body.replace('42.5', '99'), body)).status).toBe(400)
      expect((await post(body, body)).status).toBe(204)
      expect((await lines.next()).value).toBe(`msg_1 task.encoding ${'a'.repeat(32)} 42.5`)
      expect((await post(largest, largest)).status).toBe(204)
    },
  )

  it('next.mjs takes what is genuine and nothing else', async () => {
    // A build loads it, and has no secret.
    const { POST } = (await import(join(folder, 'next.mjs'))) as { POST(request: Request): Promise<Response> }
    process.env.POLLHOOK_SIGNING_SECRET = secret
    onTestFinished(() => void delete process.env.POLLHOOK_SIGNING_SECRET)
    const post = (sent: string, signed: string) =>
      POST(new Request('http://localhost/', { method: 'POST', body: sent, headers: headersFor(signed) }))
    expect((await post(`${body} `, body)).status).toBe(400)
    expect((await post(body, body)).status).toBe(204)
    expect((await post(largest, largest)).status).toBe(204)
  })

  it('plain.mjs takes what is genuine, of now, and nothing else', async () => {
    type Verify = (body: string, headers: Record<string, string>, secret: string) => unknown
    const { verify } = (await import(join(folder, 'plain.mjs'))) as { verify: Verify }
    const headers = headersFor(body)
    const other = `whsec_${Buffer.alloc(32, 6).toString('base64')}`
    expect(verify(body, headers, secret)).toEqual(JSON.parse(body))
    const rotated = `${signatureOf(other, body)} ${headers['webhook-signature']} v1a,AAAA`
    expect(verify(body, { ...headers, 'webhook-signature': rotated }, secret)).toEqual(JSON.parse(body))
    expect(() => verify(`${body} `, headers, secret)).toThrow('forged')
    expect(() => verify(body, headers, other)).toThrow('forged')
    expect(() => verify(body, { ...headers, 'webhook-signature': 'v1' }, secret)).toThrow('forged')
    for (const timestamp of ['', 'x', String(Math.floor(Date.now() / 1000) - 400)])
      expect(() => verify(body, { ...headers, 'webhook-timestamp': timestamp }, secret)).toThrow('not of now')
  })

  it.each(['express.mjs', 'hono.mjs', 'fastify.mjs'])('%s keeps an event before it answers', (name) => {
    const [kept, answered] = [/^ +handle\(/m, /204/].map((part) => snippets.get(name)?.search(part) ?? -1)
    expect(kept).toBeGreaterThan(0)
    expect(answered).toBeGreaterThan(kept!)
  })

  it('keeps the newest state, whatever is repeated or sent again after the end', () => {
    const statement = /^```sql\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? ''
    const database = new Database(':memory:')
    database.exec(
      'create table jobs (subscription_id text primary key, seq integer, type text, status text, percent real)',
    )
    const keep = database.prepare(statement)
    const told = (seq: number, status: string, percent: number) =>
      keep.run({ subscription_id: 'sub_1', seq, type: `task.${status}`, status, percent }).changes
    expect([told(3, 'encoding', 0), told(7, 'saving', 100), told(9, 'completed', 100)]).toEqual([1, 1, 1])
    expect([told(9, 'completed', 100), told(3, 'encoding', 0), told(5, 'encoding', 40)]).toEqual([0, 0, 0])
    expect(database.prepare('select seq, status from jobs').all()).toEqual([{ seq: 9, status: 'completed' }])
    database.close()
  })

  it.skipIf(!hasPython)('receive.py is Python', () => {
    const code = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    expect(spawnSync('python3', ['-c', code, join(folder, 'receive.py')]).status).toBe(0)
  })
})
