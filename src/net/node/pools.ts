/**
 * One undici pool per owner and origin, so that answers which one owner waits for take no connection from another. A bound
 * on how many stay open idle: whoever registers callbacks chooses the origins, so thousands of them must not cost
 * thousands of sockets. Knows nothing of what is sent.
 */
import { Pool } from 'undici'
import type { Guard } from './guard.ts'

export interface PoolsOptions {
  guard: Guard
  /** Connections of one pool; further requests queue in it. */
  connectionsPerOrigin: number
  /** Above this number of pools the one that has been idle longest is closed. Busy ones are never closed. */
  originsMax: number
  /** The same for sockets of all pools together. */
  socketsMax: number
}

export interface PoolLease {
  readonly key: string
  readonly pool: Pool
  inFlight: number
}

export interface Pools {
  /** The pool of an owner and origin, kept open until each acquire has had its release. @throws after `close` */
  acquire(ownerId: number, origin: string): PoolLease
  release(lease: PoolLease): void
  /** Cuts every connection; requests in flight end with an error. */
  close(): Promise<void>
}

/** Idle connections are dropped before the common server default of 5 s would drop them under a request. */
const keepAliveMs = 4_000
/** Names and values: of as many headers without a value undici keeps some 4 MB until the last of them is in, for each attempt. */
const responseHeaderBytesMax = 16_384

export function createPools(options: PoolsOptions): Pools {
  // In order of last release, so that the first idle one is the one idle longest.
  const leases = new Map<string, PoolLease>()
  let closed = false

  const evictOne = () => {
    for (const lease of leases.values()) {
      if (lease.inFlight > 0) continue
      leases.delete(lease.key)
      void lease.pool.destroy()
      return
    }
  }
  const overfull = () => leases.size > options.originsMax || options.guard.openSockets() > options.socketsMax

  return {
    acquire(ownerId, origin) {
      if (closed) throw new Error('the sender is closed')
      const key = `${ownerId} ${origin}`
      let lease = leases.get(key)
      if (lease === undefined) {
        lease = { key, pool: openPool(origin, options), inFlight: 0 }
        leases.set(key, lease)
      }
      lease.inFlight += 1
      return lease
    },
    release(lease) {
      lease.inFlight -= 1
      if (lease.inFlight > 0 || closed) return
      leases.delete(lease.key)
      leases.set(lease.key, lease)
      if (overfull()) evictOne()
    },
    async close() {
      closed = true
      await Promise.all([...leases.values()].map((lease) => lease.pool.destroy()))
      leases.clear()
    },
  }
}

function openPool(origin: string, { guard, connectionsPerOrigin }: PoolsOptions): Pool {
  return new Pool(origin, {
    connect: guard.connect,
    connections: connectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: responseHeaderBytesMax,
    // The sender's one deadline covers both, and undici's timers are only good to about a second.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}
