/**
 * The upstream hosts and the due tasks that queue for a call to one: a master's own, or the API host's while the master is
 * down (CONTRACT §5.3). Makes no calls and knows no answers.
 */
import { earliest } from './earliest.ts'
import type { Entry } from './entry.ts'
import { createHost, type Host, isBlocked, isForgettable, isOnProbation } from './host.ts'
import { lingerMs } from './pace.ts'

export interface HostsDeps {
  settings: {
    apiOrigin: string
    intervalMs: number
    intervalMaxMs: number
    batch: number
    concurrency: number
  }
  /** Asks the host, which has a place for the call. */
  start(host: Host<Entry>, batch: Entry[]): void
  /** No host can be asked at present. */
  refuse(batch: Entry[]): void
}

export interface Hosts {
  api: Host<Entry>
  /** A due task joins a queue; `first`: nothing is known of it yet. */
  enqueue(entry: Entry, first: boolean, at: number): void
  /** Starts the calls there is room for. @returns when to look again; null when an answer will wake us */
  dispatch(at: number): number | null
  /** The wall clock went back: what was to be in a while is in a while still. */
  clockWentBack(byMs: number): void
}

export function createHosts({ settings, start, refuse }: HostsDeps): Hosts {
  const hosts = new Map<string, Host<Entry>>()
  const api = hostOf(settings.apiOrigin)

  function hostOf(origin: string): Host<Entry> {
    const found = hosts.get(origin)
    if (found !== undefined) return found
    const host = createHost<Entry>(origin)
    hosts.set(origin, host)
    return host
  }

  /** A master that failed again and again gets one batch at a time, as a probe, until it answers. */
  function isOpen(host: Host<Entry>, at: number): boolean {
    if (isBlocked(host, at)) return false
    return !isOnProbation(host) || (host.inFlight === 0 && host.ready.length < settings.batch)
  }

  function join(host: Host<Entry>, entry: Entry, flushAt: number): void {
    if (entry.watch.askedAlone) {
      host.lone.push(entry)
      return
    }
    host.ready.push(entry)
    host.flushAt = Math.min(host.flushAt ?? flushAt, flushAt)
  }

  /** What queued before the master was known to be down has waited for long enough. */
  function handOver(host: Host<Entry>, at: number): void {
    for (const entry of host.ready.take(host.ready.length)) join(api, entry, at)
    for (const entry of host.lone.take(host.lone.length)) join(api, entry, at)
    host.flushAt = null
  }

  function dispatchTo(host: Host<Entry>, at: number): number | null {
    while (host.ready.length + host.lone.length > 0) {
      const full = host.lone.length > 0 || host.ready.length >= settings.batch
      if (!full && host.flushAt !== null && host.flushAt > at) return host.flushAt
      const blocked = isBlocked(host, at)
      if (!blocked && host.inFlight >= (isOnProbation(host) ? 1 : settings.concurrency)) return null
      const batch = takeBatch(host)
      if (batch.length === 0) continue
      if (blocked) refuse(batch)
      else start(host, batch)
    }
    return null
  }

  function takeBatch(host: Host<Entry>): Entry[] {
    const batch = host.lone.length > 0 ? host.lone.take(1) : host.ready.take(settings.batch)
    if (host.ready.length === 0) host.flushAt = null
    return batch.filter(({ wanted }) => wanted)
  }

  return {
    api,

    enqueue(entry, first, at) {
      const own = hostOf(entry.origin)
      join(own === api || isOpen(own, at) ? own : api, entry, at + lingerMs(settings, first))
    },

    dispatch(at) {
      for (const host of hosts.values()) if (host !== api && isBlocked(host, at)) handOver(host, at)
      let next: number | null = null
      for (const host of hosts.values()) {
        next = earliest(next, dispatchTo(host, at))
        if (host !== api && isForgettable(host, at, settings.intervalMaxMs)) hosts.delete(host.origin)
      }
      return next
    },

    clockWentBack(byMs) {
      for (const host of hosts.values()) {
        if (host.flushAt !== null) host.flushAt -= byMs
        host.failedAt -= byMs
        host.blockedUntil -= byMs
        host.toldUntil -= byMs
      }
    },
  }
}
