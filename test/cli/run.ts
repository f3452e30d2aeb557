/** Runs the real `pollhook` command. */
import { spawn } from 'node:child_process'
import { builtBin } from '../support/built.ts'

export interface Run {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  /** The file to run instead of the bundle. */
  bin?: string
  env?: Record<string, string>
  /** Sent as soon as stdout contains `at`. */
  signal?: { at: string; name: NodeJS.Signals }
  /** Called once, as soon as what came on either stream contains `at`; the process gets SIGTERM when it is done. */
  meanwhile?: { at: string; act: (run: Readonly<Run>) => Promise<unknown> }
  /** The reader of stdout goes away as soon as it has read this. */
  leaveAt?: string
}

/** Nothing of this machine's environment but what finds and starts it, so that the answer is the same everywhere. */
const { PATH, NODE_COMPILE_CACHE } = process.env

export function pollhook(
  args: readonly string[],
  { bin = builtBin, env = {}, signal, meanwhile, leaveAt }: RunOptions = {},
): Promise<Run> {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH, NODE_COMPILE_CACHE, ...env } })
  const run: Run = { code: null, out: '', err: '' }
  let wanted = signal !== undefined || meanwhile !== undefined
  return new Promise((resolve, reject) => {
    const look = () => {
      if (wanted && signal !== undefined && run.out.includes(signal.at)) {
        wanted = false
        child.kill(signal.name)
      } else if (wanted && meanwhile !== undefined && `${run.out}${run.err}`.includes(meanwhile.at)) {
        wanted = false
        meanwhile
          .act(run)
          .catch(reject)
          .finally(() => child.kill('SIGTERM'))
      }
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      run.out += text
      if (leaveAt !== undefined && run.out.includes(leaveAt)) child.stdout.destroy()
      look()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      run.err += text
      look()
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...run, code }))
  })
}
