/** The upstream hosts that are known: the API host always, and of the masters so many at most. Knows no queues. */
import { createHost, type Host, isForgettable } from './host.ts'

/** Whoever registers may name very many: tasks of further ones are asked for at the API host (docs/decisions/0020-known-hosts.md). */
const hostsMax = 1_000

export interface KnownHosts {
  api: Host
  /** The host of that name from now on: the API host while no other may be known. */
  of(origin: string, at: number): Host
  find(origin: string): Host | undefined
  /** Unless something waits or is under way there, or it failed not long ago. */
  forget(host: Host, at: number): void
  /** Where there is none left for another: forgets all that may be. */
  makeRoom(at: number): void
  all(): Iterable<Host>
}

export function createKnownHosts(settings: { apiOrigin: string; intervalMaxMs: number }): KnownHosts {
  const hosts = new Map<string, Host>()
  const api = add(settings.apiOrigin)

  function add(origin: string): Host {
    const host = createHost(origin)
    hosts.set(origin, host)
    return host
  }

  function forget(host: Host, at: number): void {
    // A poll may go on at one that is forgotten, while the next has begun at a new one of its name.
    if (host === api || hosts.get(host.origin) !== host) return
    if (isForgettable(host, at, settings.intervalMaxMs)) hosts.delete(host.origin)
  }

  return {
    api,
    forget,
    find: (origin) => hosts.get(origin),
    all: () => hosts.values(),

    of(origin, at) {
      const known = hosts.get(origin)
      if (known !== undefined) forget(known, at)
      return hosts.get(origin) ?? (hosts.size < hostsMax ? add(origin) : api)
    },

    makeRoom(at) {
      if (hosts.size >= hostsMax) for (const host of hosts.values()) forget(host, at)
    },
  }
}
