/** Servers of a measurement in processes of their own: started, asked for what they used, ended by that question. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'

export interface Usage {
  cpu: NodeJS.CpuUsage
  memory: NodeJS.MemoryUsage
}

/**
 * @param file in this folder; the process sends one message when it is ready
 * @param execArgv for Node itself
 */
export async function startProcess<T>(
  file: string,
  env: Record<string, string> = {},
  execArgv: readonly string[] = [],
): Promise<{ ready: T; pid: number; stop(): Promise<Usage> }> {
  const child = fork(join(import.meta.dirname, file), {
    env: { ...process.env, ...env },
    execArgv: [
      ...execArgv,
      ...(process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : []),
    ],
  })
  const kill = atEnd(() => child.kill())
  const ready = await nextMessage<T>(child)
  return {
    ready,
    pid: child.pid ?? 0,
    async stop() {
      const usage = nextMessage<Usage>(child)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.send('stop')
      const used = await usage
      await ended
      kill()
      return used
    },
  }
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`a server of the measurement ended: ${code}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}
