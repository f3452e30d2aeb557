/** Which peers cannot be measured on this machine, and what to do about it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { missingPostgres } from './postgres.ts'
import { missingRedis } from './redis.ts'

const packages = join(import.meta.dirname, '../node_modules')

/** @returns what to do before `peer` can run; null when it can */
export function missingFor(peer: 'bullmq' | 'pg-boss' | 'graphile-worker'): string | null {
  if (process.platform !== 'linux') return 'peers are measured on Linux only: their CPU is read from /proc'
  // A kernel without CONFIG_PROC_CHILDREN does not tell what processes a server runs.
  if (!existsSync(`/proc/self/task/${process.pid}/children`))
    return 'this kernel does not list the children of a process, so a server’s CPU would be counted in part'
  if (!existsSync(join(packages, peer))) return 'run `npm ci --prefix bench` first'
  return peer === 'bullmq' ? missingRedis() : missingPostgres()
}
