/**
 * How long `pollhook serve` takes from the call that starts it to an answer, and to having all tasks in its schedule, over a
 * file with many active tasks, each with one pending delivery. The store's own verbs prepare the file; every round starts on
 * a fresh copy. What the npm package and the container run, and beside it the sources as `npm start` runs them.
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mediansBeside } from './support/beside.ts'
import { atEnd, makeFolder } from './support/cleanup.ts'
import { startProcess } from './support/processes.ts'
import { openRelay } from './support/relay.ts'
import { change, makeTokens, register, registration } from './support/tasks.ts'

type Env = Record<string, string>

export interface StartFigures {
  /** From the process's start to the answer of `/readyz`. */
  readyMs: number
  /** From the process's start until every task has its time for a poll. */
  scheduledMs: number
}

const root = join(import.meta.dirname, '..')
const packaged = join(root, 'dist/cli/bin.js')
const sources = join(root, 'src/cli/pollhook.ts')

async function prepare(path: string, tasks: number, env: Env): Promise<void> {
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
}

async function start(command: string, env: Env): Promise<StartFigures> {
  const startedAt = performance.now()
  const since = () => performance.now() - startedAt
  const child = spawn(process.execPath, [command, 'serve'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const kill = atEnd(() => child.kill('SIGKILL'))
  let readyMs: number | null = null
  let scheduledMs: number | null = null
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as { message: string; url?: string }
    if (line.message === 'schedule read') scheduledMs = since()
    if (line.url !== undefined) {
      const answer = await fetch(`${line.url}/readyz`)
      await answer.text()
      if (!answer.ok) throw new Error(`the relay answered ${answer.status}`)
      readyMs = since()
    }
    if (readyMs !== null && scheduledMs !== null) break
  }
  if (readyMs === null || scheduledMs === null) throw new Error('the relay ended before it was ready')
  kill()
  await ended
  return { readyMs, scheduledMs }
}

/** @returns medians of the package's and of the sources' starts, in turns */
export async function measureStart(rounds: number, tasks: number) {
  const { folder, remove } = makeFolder()
  // It says what the file has already: the first polls begin while the schedule is read, and write nothing.
  const upstream = await startProcess<{ url: string }>('status-upstream.ts', {
    SECONDS_PER_CHANGE: 'Infinity',
  })
  // The first fetch of a process takes longer than the others, which would count as the relay's.
  await (await fetch(upstream.ready.url)).text()
  const env = {
    POLLHOOK_API_KEYS: `bench=${randomBytes(20).toString('hex')}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: upstream.ready.url,
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
  }
  const built = spawnSync(process.execPath, [join(root, '.ci/build.ts')], { stdio: 'inherit' })
  if (built.status !== 0) throw new Error('the package could not be built')
  const prepared = join(folder, 'prepared.db')
  await prepare(prepared, tasks, env)
  const copy = join(folder, 'copy.db')
  const side = (command: string) => () => {
    // A killed relay leaves its log behind.
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${copy}${suffix}`, { force: true })
    copyFileSync(prepared, copy)
    return start(command, { ...env, PORT: '0', POLLHOOK_DB: copy, LOG_LEVEL: 'info' })
  }
  const sides = { packaged: side(packaged), sources: side(sources) }
  const medians = await mediansBeside<keyof typeof sides, StartFigures>(rounds, sides, { warmUp: false })
  await upstream.stop()
  remove()
  return { tasks, ...(medians as Record<keyof typeof sides, StartFigures>) }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, tasks = 100_000] = process.argv.slice(2).map(Number)
  console.log(await measureStart(rounds, tasks))
  process.exit(0)
}
