/** The receiver of a measurement, in a process of its own. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { atEnd } from './cleanup.ts'

/** @returns where it listens; it answers every POST at once */
export async function startSink(): Promise<{ origin: string; stop(): void }> {
  const child = fork(join(import.meta.dirname, 'sink.ts'))
  const stop = atEnd(() => child.kill('SIGKILL'))
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number))
    child.once('exit', (code) => reject(new Error(`the receiver ended: ${code}`)))
  })
  return { origin: `http://127.0.0.1:${port}`, stop }
}
