/** Runs the real `pollhook` command. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const bin = join(import.meta.dirname, '../../src/cli/pollhook.ts')

export interface Run {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  env?: Record<string, string>
  /** Sent as soon as stdout contains `at`. */
  signal?: { at: string; name: NodeJS.Signals }
}

/** Nothing of this machine's environment but the PATH, so that the answer is the same everywhere. */
export function pollhook(args: readonly string[], { env = {}, signal }: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH, ...env } })
  const run: Run = { code: null, out: '', err: '' }
  let signalled = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    run.out += text
    if (signal !== undefined && !signalled && run.out.includes(signal.at)) {
      signalled = true
      child.kill(signal.name)
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.err += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...run, code }))
  })
}
