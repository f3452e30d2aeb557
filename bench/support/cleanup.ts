/** What a measurement started ends with it, also when it fails or is interrupted: nothing is left running or lying about. */
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const pending = new Set<() => void>()

process.on('exit', () => {
  for (const undo of [...pending].reverse()) undo()
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))

/**
 * @param undo synchronous, as a process that exits waits for nothing else
 * @returns runs it now, once
 */
export function atEnd(undo: () => void): () => void {
  const once = () => {
    if (pending.delete(undo)) undo()
  }
  pending.add(undo)
  return once
}

export interface Account {
  uid: number
  gid: number
}

/** @returns a new folder that goes with this process, and how to remove it at once */
export function makeFolder(owner?: Account): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-bench-'))
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  return { folder, remove: atEnd(() => rmSync(folder, { recursive: true, force: true })) }
}
