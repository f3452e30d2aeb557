#!/usr/bin/env node
/**
 * What `npx pollhook` starts: the command, in this Node or, where this one is too old for what Pollhook depends
 * on, in the one of the npm package `node`. Written for any Node that has ES modules.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

/** What undici and better-sqlite3 need: an older Node does not load the one and crashes in the other. */
const oldest = [22, 19] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) await import('./pollhook.ts')
else restart()

/** Stands in for the other process: its streams, its signals, its end. */
function restart(): void {
  const node = newerNode()
  if (node === null) {
    process.stderr.write(
      `error: Pollhook needs Node ${oldest.join('.')} or newer, this is ${process.versions.node}: install one, or npm install node@24 beside Pollhook\n`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const handlers = signals.map((signal) => [signal, () => void child.kill(signal)] as const)
  for (const [signal, handler] of handlers) process.on(signal, handler)
  child.once('error', (error) => {
    process.stderr.write(`error: ${node} does not start: ${error.message}\n`)
    process.exitCode = 1
  })
  child.once('exit', (code, signal) => {
    for (const [name, handler] of handlers) process.off(name, handler)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}

function newerNode(): string | null {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node')
  } catch {
    return null
  }
}
