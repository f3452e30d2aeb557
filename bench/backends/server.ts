/** A database server of a measurement: its own folder, a socket in it, ended and removed with the measurement. */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Account, atEnd } from '../support/cleanup.ts'
import { hasEnded } from '../support/process-cpu.ts'

export interface Backend {
  /** Of the process whose descendants are all that the server runs. */
  pid: number
  /** Where it listens: a unix socket, or the folder of one. No server of a measurement listens on a port. */
  socket: string
  stop(): void
}

/** @param folders looked through after those of PATH, the last one first */
export function findProgram(name: string, folders: readonly string[] = []): string | null {
  const all = [...(process.env.PATH ?? '').split(delimiter), ...[...folders].reverse()]
  return all.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where Debian keeps the programs of each version of PostgreSQL, which are not in PATH. */
export function postgresFolders(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((a, b) => Number(a) - Number(b))
  return versions.map((version) => join(root, version, 'bin'))
}

export function accountOf(user: string): Account {
  const id = (option: string) => Number(execFileSync('id', [option, user], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** @returns how to end it; waits until it is gone, so that its folder can be removed */
export function startProgram(
  path: string,
  args: readonly string[],
  options: SpawnOptions & { stopSignal: NodeJS.Signals },
): { pid: number; stop(): void } {
  const child: ChildProcess = spawn(path, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
  const { pid } = child
  if (pid === undefined) throw new Error(`${path} did not start`)
  child.unref()
  return { pid, stop: atEnd(() => endProcess(pid, options.stopSignal)) }
}

function endProcess(pid: number, signal: NodeJS.Signals): void {
  if (hasEnded(pid)) return
  process.kill(pid, signal)
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const deadline = Date.now() + 10_000
  while (!hasEnded(pid) && Date.now() < deadline) Atomics.wait(cell, 0, 0, 20)
  if (!hasEnded(pid)) process.kill(pid, 'SIGKILL')
}

/** Asks until `ready` no longer throws. */
export async function untilReady(pid: number, ready: () => unknown): Promise<void> {
  const deadline = Date.now() + 20_000
  for (;;) {
    try {
      await ready()
      return
    } catch (error) {
      if (hasEnded(pid) || Date.now() > deadline) throw error
    }
    await sleep(50)
  }
}
