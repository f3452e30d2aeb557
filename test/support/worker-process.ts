/** The Worker in `wrangler dev` as a child process: workerd on loopback, state in a folder of the caller. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKey } from '../../src/cli/keys.ts'
import { freePort } from './free-port.ts'

const root = join(import.meta.dirname, '../..')

export interface WorkerProcess {
  url: string
  /** Ends it and all its processes at once, as a crash would. */
  kill(): Promise<void>
}

export interface WorkerSetup {
  apiKey: string
  /** Where workerd keeps the shards' databases. */
  folder: string
  env: Record<string, string>
  remove(): void
}

/** Generated keys and a temporary folder, for an upstream on loopback. */
export function setUpWorker(upstreamUrl: string, more: Record<string, string> = {}): WorkerSetup {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-worker-'))
  const apiKey = newKey()
  const env = {
    POLLHOOK_API_KEYS: `dev=${apiKey}`,
    POLLHOOK_SECRET: randomBytes(32).toString('base64'),
    POLLHOOK_UPSTREAM_URL: upstreamUrl,
    POLLHOOK_UPSTREAM_HOSTS: '127.0.0.1:*',
    POLLHOOK_INSECURE_CALLBACKS: 'true',
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8,::1/128',
    POLLHOOK_POLL_INTERVAL: '500ms',
    POLLHOOK_POLL_INTERVAL_MAX: '2s',
    LOG_LEVEL: 'warn',
    ...more,
  }
  return { apiKey, folder, env, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const running = new Set<ChildProcess>()
let interrupted = false

/**
 * At SIGINT and SIGTERM everything that was started ends, even what has not answered yet: a terminal's signal does not
 * reach those groups. Then the process ends too, with what `close` answers.
 */
export function endOnSignal(close: () => number): void {
  const end = async () => {
    interrupted = true
    await Promise.all([...running].map(killGroup))
    process.exit(close())
  }
  process.once('SIGINT', () => void end())
  process.once('SIGTERM', () => void end())
}

/** @throws when it ends before it answers; nothing of it is left then */
export async function startWorker(
  { folder, env, remove }: WorkerSetup,
  options: { port?: number; onOutput?: (text: string) => void } = {},
): Promise<WorkerProcess> {
  const file = join(folder, 'vars.env')
  writeFileSync(
    file,
    Object.entries(env)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  )
  const port = options.port ?? (await freePort())
  const flags = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', String(await freePort())]
  const vars = ['--env-file', file, '--var', `POLLHOOK_SHARDS:${env.POLLHOOK_SHARDS ?? '1'}`]
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/wrangler/bin/wrangler.js'), 'dev', ...flags, ...vars, '--persist-to', folder],
    {
      cwd: root,
      // A group of its own: workerd is ended with wrangler.
      detached: true,
      env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  running.add(child)
  child.once('exit', () => running.delete(child))
  await untilReady(child, options.onOutput ?? (() => {})).catch(async (error: unknown) => {
    await killGroup(child)
    remove()
    throw error
  })
  return { url: `http://127.0.0.1:${port}`, kill: () => killGroup(child) }
}

function untilReady(child: ChildProcess, onOutput: (text: string) => void): Promise<void> {
  let printed = ''
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed = (printed + chunk).slice(-10_000)
      onOutput(String(chunk))
      if (/Ready on http/.test(printed)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code) => {
      if (!interrupted) reject(new Error(`wrangler dev ended with ${code}: ${printed}`))
    })
  })
}

async function killGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  const exited = child.exitCode !== null || child.signalCode !== null ? null : once(child, 'exit')
  try {
    // Also when it has ended: what it started may have outlived it.
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of its group is left.
  }
  await exited
}
