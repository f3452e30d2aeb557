/** Upstream hosts with due tasks that queue for calls, at a time that stands still. */
import { type Mock, vi } from 'vitest'
import type { Entry } from '../../src/engine/entry.ts'
import { type Host, noteAnswer } from '../../src/engine/host.ts'
import { createHosts, type Hosts } from '../../src/engine/hosts.ts'
import { entryWith } from './entries.ts'
import { apiOrigin, hour, second } from './world.ts'

export const master1 = 'https://master-1.qencode.com'
export const master2 = 'https://master-2.qencode.com'
/** Long after whatever was put off to share a call. */
export const later = 10 * second

export function open(more: { mastersConcurrency?: number } = {}) {
  const refused: Entry[] = []
  const started: { host: Host; batch: Entry[] }[] = []
  const wake: Mock<() => void> = vi.fn()
  const settings = {
    apiOrigin,
    intervalMs: 5 * second,
    intervalMaxMs: 30 * second,
    batch: 100,
    concurrency: 4,
    ...more,
  }
  const hosts = createHosts({
    now: () => later,
    settings,
    start: (host, batch) => started.push({ host, batch }),
    refuse: (batch) => refused.push(...batch),
    wake,
  })
  // Not the first answer since the start.
  noteAnswer(hosts.api)
  const startedAt = (origin: string) =>
    started.filter(({ host }) => host.origin === origin).flatMap(({ batch }) => batch)
  return { hosts, refused, started, startedAt, wake }
}

export function entryOf(n: number, origin: string): Entry {
  return entryWith({ token: n.toString(16).padStart(32, '0'), origin }, { expiresAt: hour })
}

export function put(hosts: Hosts, entry: Entry, at = 0): void {
  hosts.enqueue(entry, { hurried: false, hasNeighbours: true, nextDueAt: 0 }, at)
}

export function enqueue(hosts: Hosts, count: number, originOf: (n: number) => string, at = 0): void {
  for (let n = 0; n < count; n++) put(hosts, entryOf(n, originOf(n)), at)
}
