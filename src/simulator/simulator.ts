/**
 * A fake of Qencode's job and status API on loopback: one API host and some masters, each with a port of its
 * own. For the demo, `pollhook simulate` and tests. Knows nothing of Pollhook.
 */
import { randomInt } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HttpBindings, type ServerType, serve } from '@hono/node-server'
import { createApiApp, createMasterApp, type SimulatorApp } from './app.ts'
import { createCallLog, type RecordedCall } from './call-log.ts'
import { createFaultBook, type Fault } from './faults.ts'
import { createJobs, type StartOptions } from './jobs.ts'
import { seededRandom, seedFor } from './random.ts'

export interface SimulatorOptions {
  /** Of the API host; 0, a free one, unless told. Masters always get free ones. */
  port?: number
  /** How many master hosts; 2 unless told. */
  masters?: number
  /** How much faster than the wall clock jobs run; 1 unless told. */
  speed?: number
  /** From start to end of a job at speed 1, in milliseconds; 60,000 unless told. */
  durationMs?: number
  /** Share of jobs that fail, 0 to 1; 0 unless told. */
  failRate?: number
  /** Of tokens, jobs and chances; random unless told. */
  seed?: number
  /** For every call, as `setFault('*', …)`. */
  faults?: Fault | readonly Fault[]
  /** Milliseconds; `Date.now` unless told. */
  now?: () => number
  /** How latency is waited out. */
  wait?: (ms: number) => Promise<void>
  /** How many status calls are remembered; 10,000 unless told. */
  callsMax?: number
}

export interface CreateJobOptions extends StartOptions {
  /** 32 hex digits; made up unless given. */
  taskToken?: string
}

export interface Simulator {
  /** Origin of the API host. */
  url: string
  /** Origins of the masters. */
  masters: readonly string[]
  seed: number
  /** A job that runs from now on. */
  createJob(options?: CreateJobOptions): { taskToken: string; statusUrl: string }
  /** As `create_task` does: the token of a job that waits for `start_encode2`. */
  createTask(): string
  /** For one token or, with `'*'`, for every call; null clears. Replaces what was set for it. */
  setFault(target: string, fault: Fault | readonly Fault[] | null): void
  /** The remembered status calls, oldest first. */
  readonly calls: readonly RecordedCall[]
  /** How many status calls came, forgotten ones too. */
  readonly callCount: number
  /** Drops every connection. */
  close(): Promise<void>
}

/** @throws when the port is taken */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const seed = options.seed ?? randomInt(2 ** 32)
  const now = options.now ?? Date.now
  const statusUrls: string[] = []
  const jobs = createJobs({
    now,
    seed,
    speed: options.speed ?? 1,
    durationMs: options.durationMs ?? 60_000,
    failRate: options.failRate ?? 0,
    statusUrls,
  })
  const faults = createFaultBook(seededRandom(seedFor(seed, 'faults')))
  if (options.faults !== undefined) faults.set('*', options.faults)
  const calls = createCallLog(options.callsMax ?? 10_000)
  const wait = options.wait ?? ((ms: number) => sleep(ms, undefined, { ref: false }))
  const deps = { jobs, faults, calls, now, wait }

  const api = await listen((origin) => createApiApp(deps, origin), options.port ?? 0)
  const masters: Listener[] = []
  for (let index = 0; index < (options.masters ?? 2); index++) {
    const master = await listen((origin) => createMasterApp(deps, index, origin), 0)
    masters.push(master)
    statusUrls.push(`${master.origin}/v1/status`)
  }
  return {
    url: api.origin,
    masters: masters.map(({ origin }) => origin),
    seed,
    createJob({ taskToken, ...start } = {}) {
      const job = jobs.create(taskToken)
      return { taskToken: job.token, statusUrl: jobs.start(job, start).statusUrl }
    },
    createTask: () => jobs.create().token,
    setFault: faults.set,
    get calls() {
      return calls.list()
    },
    get callCount() {
      return calls.total()
    },
    async close() {
      await Promise.all([api, ...masters].map((listener) => listener.close()))
    },
  }
}

interface Listener {
  origin: string
  close(): Promise<void>
}

/** Loopback only: nothing here checks who asks. */
async function listen(createApp: (origin: () => string) => SimulatorApp, port: number): Promise<Listener> {
  let origin = ''
  const app = createApp(() => origin)
  const server = await new Promise<ServerType>((resolve, reject) => {
    const fetch = (request: Request, env: object) => app.fetch(request, env as HttpBindings)
    const starting = serve({ fetch, hostname: '127.0.0.1', port }, () => resolve(starting))
    starting.once('error', reject)
  })
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}
