/**
 * How long the relay takes from the call that starts it to listening, over a file with many active tasks, each
 * with one pending delivery. The store's own verbs prepare the file; every round starts on a fresh copy.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from './support/figures.ts'
import { startProcess } from './support/processes.ts'
import { openRelay } from './support/relay.ts'
import { change, makeTokens, register, registration } from './support/tasks.ts'

async function prepare(folder: string, tasks: number, env: Record<string, string>): Promise<string> {
  const path = join(folder, 'prepared.db')
  const upstream = { status: async () => ({ kind: 'busy' as const, retryAfterMs: 60_000 }) }
  const { relay, ownerId, close } = openRelay({ env, upstream, path })
  for (let i = 0; i < tasks; i += 10_000) {
    const tokens = makeTokens(Math.min(10_000, tasks - i))
    // Nobody listens on port 1: what is due stays pending while the start is measured.
    register(
      relay,
      tokens.map((token) => registration(ownerId, token, `http://127.0.0.1:1/hook?t=${token}`)),
    )
    change(relay, tokens, 'encoding')
  }
  await close()
  return path
}

/** @returns the median of milliseconds until it listens, and of those spent in `startNode` alone */
export async function measureStart(rounds: number, tasks: number) {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-bench-'))
  const env = {
    POLLHOOK_API_KEYS: `bench=${randomBytes(20).toString('hex')}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: 'http://127.0.0.1:1',
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
  }
  const prepared = await prepare(folder, tasks, env)
  const ready: number[] = []
  const starting: number[] = []
  for (let i = 0; i < rounds; i++) {
    const copy = join(folder, `round-${i}.db`)
    copyFileSync(prepared, copy)
    const startedAt = performance.now()
    const server = await startProcess<{ startMs: number }>('relay-server.ts', {
      ...env,
      PORT: '0',
      POLLHOOK_DB: copy,
      LOG_LEVEL: 'error',
    })
    ready.push(performance.now() - startedAt)
    starting.push(server.ready.startMs)
    await server.stop()
  }
  rmSync(folder, { recursive: true })
  return { tasks, readyMs: median(ready), startMs: median(starting) }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, tasks = 100_000] = process.argv.slice(2).map(Number)
  console.log(await measureStart(rounds, tasks))
  process.exit(0)
}
