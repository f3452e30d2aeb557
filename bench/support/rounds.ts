/**
 * A side of a measurement in a process of its own, which runs a round whenever it is told to: warm from the rounds
 * before, and with nobody else's garbage on its heap.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface Side<Options, Figures> {
  round(options: Options): Promise<Figures>
  /** It removes what it started, and is gone. */
  stop(): Promise<void>
}

/** What takes longer hangs: its process is ended, and the measure with it. */
const roundMsMax = 10 * 60_000

/** @param file of bench/, it calls `serveRounds` */
export function startSide<Options, Figures>(file: string): Side<Options, Figures> {
  const child = fork(join(import.meta.dirname, '..', file), {
    execArgv: process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : [],
  })
  return {
    round(options) {
      const figures = nextMessage<Figures>(child, file)
      child.send(options as object)
      // Told to end it takes its servers with it; one that hangs in a loop is not told.
      const deadlines = [
        setTimeout(() => child.kill(), roundMsMax),
        setTimeout(() => child.kill('SIGKILL'), roundMsMax + 20_000),
      ]
      return figures.finally(() => deadlines.forEach(clearTimeout))
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

function nextMessage<T>(child: ChildProcess, file: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) =>
      reject(new Error(`${file} ended: ${code ?? signal}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}

/** The other end of `startSide`. */
export function serveRounds<Options, Figures>(round: (options: Options) => Promise<Figures>): void {
  process.on('message', (options) => {
    round(options as Options).then(
      (figures) => process.send?.(figures),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  // Also when the measurement was killed: the channel closes with it.
  process.once('disconnect', () => process.exit(0))
}
