/**
 * The connect-time address guard (CONTRACT §4.7): opens sockets for undici, to allowed addresses only. Knows
 * hosts and addresses, nothing of HTTP. Why it checks three times: docs/decisions/0004-ssrf-guard.md.
 */
import { promises as dns, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { type Cidr, isAllowedAddress } from '../../core/address.ts'
import { addressTimeoutMs } from './addresses.ts'
import { createLookups, type Lookup } from './lookups.ts'

export interface GuardOptions {
  privateCidrs: readonly Cidr[]
  /** For the TCP connection, name lookup included, and again for the TLS handshake. */
  connectTimeoutMs: number
  /** Names looked up at once. */
  lookupsMax: number
  /** Default: the system's resolver. */
  lookup?: Lookup
}

export interface Guard {
  /** For the `connect` option of an undici dispatcher. */
  connect: buildConnector.connector
  /** Sockets that are open. */
  openSockets(): number
}

/** `code` of the errors that the guard itself makes; all others are the system's, undici's or OpenSSL's. */
export const guardCode = {
  blockedAddress: 'POLLHOOK_BLOCKED_ADDRESS',
  dns: 'POLLHOOK_DNS',
  tls: 'POLLHOOK_TLS',
} as const

/** Makes a connector that refuses what is not public, nor in `privateCidrs`, before a byte is sent. */
export function createGuard(options: GuardOptions): Guard {
  const { privateCidrs, connectTimeoutMs, lookupsMax, lookup = systemLookup } = options
  const resolve = createLookups({ lookup, lookupsMax, waitMs: connectTimeoutMs })
  // HTTP/1.1 only: multiplexing would let one answer hold up others, and buys nothing for short POSTs.
  const open = buildConnector({
    allowH2: false,
    timeout: connectTimeoutMs,
    autoSelectFamilyAttemptTimeout: addressTimeoutMs(connectTimeoutMs),
    lookup: guardedLookup(resolve, privateCidrs),
  })
  let sockets = 0

  const connect: buildConnector.connector = (target, callback) => {
    // `lookup` is never called for a literal.
    if (isIP(target.hostname) !== 0 && !isAllowedAddress(target.hostname, privateCidrs)) {
      callback(blockedAddress(), null)
      return
    }
    const secure = target.protocol === 'https:'
    // TCP first, TLS after the check, so that a refused peer does not see so much as a ClientHello.
    open({ ...target, protocol: 'http:', port: target.port || (secure ? '443' : '80') }, (error, socket) => {
      if (error !== null) return callback(error, null)
      const fault = peerFault(socket, privateCidrs)
      if (fault !== null) {
        socket.destroy()
        return callback(fault, null)
      }
      sockets += 1
      socket.once('close', () => {
        sockets -= 1
      })
      if (!secure) return callback(null, socket)
      open({ ...target, httpSocket: socket }, (tlsError, tlsSocket) => {
        if (tlsError === null) return callback(null, tlsSocket)
        socket.destroy()
        callback(handshakeError(tlsError), null)
      })
    })
  }
  return { connect, openSockets: () => sockets }
}

const systemLookup: Lookup = (hostname) => dns.lookup(hostname, { all: true })

/** Node connects to the very addresses that were checked here: there is no second lookup to rebind. */
function guardedLookup(resolve: Lookup, privateCidrs: readonly Cidr[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const settle = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => {
      const first = addresses[0]
      if (all) callback(error, [...addresses])
      else callback(error, first?.address ?? '', first?.family)
    }
    resolve(hostname).then(
      (addresses) => {
        if (addresses.length === 0) return settle(guardError(guardCode.dns, 'the name has no address'), [])
        const allowed = addresses.every(({ address }) => isAllowedAddress(address, privateCidrs))
        return allowed ? settle(null, addresses) : settle(blockedAddress(), [])
      },
      (cause) => settle(guardError(guardCode.dns, 'the name could not be resolved', cause), []),
    )
  }
}

/** The last word is the kernel's: who is at the other end of the socket. */
function peerFault(socket: Socket, privateCidrs: readonly Cidr[]): Error | null {
  const address = socket.remoteAddress
  if (address === undefined) return guardError('ECONNRESET', 'the peer left at once')
  return isAllowedAddress(address, privateCidrs) ? null : blockedAddress()
}

const transportCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])

/** What goes wrong between TCP and HTTP is TLS's, unless the connection itself broke. */
function handshakeError(cause: Error & { code?: string }): Error {
  if (transportCodes.has(cause.code ?? '')) return cause
  return guardError(guardCode.tls, 'the TLS handshake failed', cause)
}

function blockedAddress(): NodeJS.ErrnoException {
  return guardError(guardCode.blockedAddress, 'the address is not allowed')
}

function guardError(code: string, message: string, cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(message, { cause }), { code })
}
