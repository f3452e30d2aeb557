/**
 * What polling costs: the share of a core at 100,000 tasks with 200 changes a second, memory and CPU for each task at
 * 1,000, 10,000 and 100,000, and the CPU of a poll beside a script with one timer and one fetch for each task.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { median } from './support/figures.ts'
import { startProcess } from './support/processes.ts'

interface Polling {
  bytesPerTask: number
  cpuShare: number
  cpuMicrosPerPoll: number
  pollsPerSecond: number
  tokensPerCall: number
  changesPerSecond: number
}

const changesPerSecond = 200

async function run<T>(file: string, env: Record<string, string>): Promise<T> {
  const child = fork(join(import.meta.dirname, 'support', file), {
    env: { ...process.env, ...env },
    execArgv: ['--expose-gc'],
  })
  const figures = await new Promise<T>((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', (code) => reject(new Error(`${file} ended: ${code}`)))
  })
  child.removeAllListeners('exit')
  child.kill('SIGKILL')
  return figures
}

/** @param windowMs how long each is watched once it runs evenly */
export async function measurePolling(rounds: number, sizes: readonly number[], windowMs: number) {
  const bySize = new Map<number, Polling[]>(sizes.map((size) => [size, []]))
  const script: number[] = []
  const sink = fork(join(import.meta.dirname, 'support/sink.ts'))
  const port = await new Promise<number>((resolve) => sink.once('message', resolve as never))
  for (let i = 0; i < rounds; i++) {
    for (const size of sizes) {
      const upstream = await startProcess<{ url: string }>('status-upstream.ts', {
        SECONDS_PER_CHANGE: String(size / changesPerSecond),
      })
      const env = {
        TASKS: String(size),
        UPSTREAM: upstream.ready.url,
        RECEIVER: `http://127.0.0.1:${port}`,
        WINDOW_MS: String(windowMs),
        WARM_UP_MS: String(11_000 + size / 10),
      }
      bySize.get(size)?.push(await run<Polling>('polling-relay.ts', env))
      if (size === 10_000) {
        const naive = { ...env, WARM_UP_MS: '11000' }
        script.push((await run<{ cpuMicrosPerPoll: number }>('naive-poller.ts', naive)).cpuMicrosPerPoll)
      }
      await upstream.stop()
    }
  }
  sink.kill()
  const of = (size: number, key: keyof Polling) => median((bySize.get(size) ?? []).map((one) => one[key]))
  return {
    sizes: sizes.map((size) => ({
      size,
      bytesPerTask: of(size, 'bytesPerTask'),
      cpuShare: of(size, 'cpuShare'),
      cpuMicrosPerPoll: of(size, 'cpuMicrosPerPoll'),
      pollsPerSecond: of(size, 'pollsPerSecond'),
      tokensPerCall: of(size, 'tokensPerCall'),
      changesPerSecond: of(size, 'changesPerSecond'),
    })),
    scriptCpuMicrosPerPoll: median(script),
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 1, windowMs = 20_000, ...sizes] = process.argv.slice(2).map(Number)
  console.log(await measurePolling(rounds, sizes.length > 0 ? sizes : [1_000, 10_000, 100_000], windowMs))
  process.exit(0)
}
