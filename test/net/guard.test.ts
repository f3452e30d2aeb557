import { once } from 'node:events'
import type { Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Cidr, parseCidrs } from '../../src/core/address.ts'
import { createGuard, guardCode } from '../../src/net/node/guard.ts'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { selfSigned } from '../support/certificate.ts'
import { createLoopback } from '../support/loopback.ts'

const trusted = selfSigned('trusted.test')
const authorities = getCACertificates('default')
setDefaultCACertificates([...authorities, trusted.cert])
afterAll(() => setDefaultCACertificates(authorities))

const loopback = createLoopback()
const opened: Socket[] = []
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy()
  await loopback.closeAll()
})

const parsed = parseCidrs('127.0.0.0/8')
const loopbackCidrs = parsed.ok ? parsed.cidrs : []
const toLoopback: Lookup = async () => [{ address: '127.0.0.1', family: 4 }]

interface Try {
  hostname: string
  port: number
  protocol?: 'http:' | 'https:'
  lookup?: Lookup
  privateCidrs?: Cidr[]
}

/** The socket that undici would get, or the code of the error. */
function connect({ hostname, port, protocol = 'http:', lookup = toLoopback, privateCidrs = [] }: Try) {
  const guard = createGuard({ privateCidrs, connectTimeoutMs: 5_000, lookupsMax: 2, lookup })
  const result = new Promise<Socket | string | undefined>((resolve) => {
    guard.connect({ hostname, host: hostname, protocol, port: String(port) }, (error, socket) => {
      if (socket !== null) opened.push(socket)
      resolve(socket ?? (error as NodeJS.ErrnoException).code)
    })
  })
  return { guard, result }
}

describe.each(['http:', 'https:'] as const)('over %s', (protocol) => {
  test('a literal that is not public is refused without a lookup or a connection', async () => {
    let touched = false
    const { server, port } = await loopback.tcp(() => {})
    server.on('connection', () => {
      touched = true
    })
    const lookup: Lookup = async () => {
      touched = true
      return []
    }
    for (const hostname of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '0.0.0.0'])
      expect(await connect({ hostname, port, protocol, lookup }).result).toBe(guardCode.blockedAddress)
    expect(touched).toBe(false)
  })

  test('a name whose address is not public is refused', async () => {
    const { port } = await loopback.tcp(() => {})
    const { result } = connect({ hostname: 'hooks.test', port, protocol })
    expect(await result).toBe(guardCode.blockedAddress)
  })

  test('a peer that is not the one that was checked gets no byte', async () => {
    // Public when the guard reads the address, private when Node does: what only the last check can see.
    let reads = 0
    const shifty = {
      family: 4,
      get address() {
        reads += 1
        return reads === 1 ? '93.184.215.14' : '127.0.0.1'
      },
    }
    let bytes = 0
    const { server, port } = await loopback.tcp((socket) => {
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
    })
    const ended = once(server, 'connection').then(([socket]) => once(socket, 'close'))
    const { result } = connect({ hostname: 'hooks.test', port, protocol, lookup: async () => [shifty] })
    expect(await result).toBe(guardCode.blockedAddress)
    await ended
    expect(bytes).toBe(0)
  })

  test('a name without an address, and a resolver that fails, are DNS errors', async () => {
    const empty = connect({ hostname: 'hooks.test', port: 1, protocol, lookup: async () => [] })
    expect(await empty.result).toBe(guardCode.dns)
    const failing = connect({
      hostname: 'hooks.test',
      port: 1,
      protocol,
      lookup: () => Promise.reject(new Error('SERVFAIL')),
    })
    expect(await failing.result).toBe(guardCode.dns)
  })
})

test('an opened network is connected to, by name and by literal', async () => {
  const { port } = await loopback.tcp(() => {})
  for (const hostname of ['hooks.test', '127.0.0.1']) {
    const { result } = connect({ hostname, port, privateCidrs: loopbackCidrs })
    expect(await result).toMatchObject({ remoteAddress: '127.0.0.1' })
  }
})

test('a certificate that nobody vouches for is a TLS error', async () => {
  const { port } = await loopback.https(selfSigned('hooks.test'), () => {})
  const target = { hostname: 'hooks.test', port, protocol: 'https:' as const, privateCidrs: loopbackCidrs }
  expect(await connect(target).result).toBe(guardCode.tls)
})

test('a peer that does not speak TLS is a TLS error, one that hangs up a reset', async () => {
  const plain = await loopback.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const silent = await loopback.tcp((socket) => socket.destroy())
  const target = { hostname: 'hooks.test', protocol: 'https:' as const, privateCidrs: loopbackCidrs }
  expect(await connect({ ...target, port: plain.port }).result).toBe(guardCode.tls)
  expect(await connect({ ...target, port: silent.port }).result).toBe('ECONNRESET')
})

test('connections that open together share one lookup', async () => {
  const { port } = await loopback.tcp(() => {})
  let lookups = 0
  const lookup: Lookup = async () => {
    lookups += 1
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const guard = createGuard({ privateCidrs: loopbackCidrs, connectTimeoutMs: 5_000, lookupsMax: 2, lookup })
  const open = () =>
    new Promise<void>((resolve, reject) => {
      guard.connect({ hostname: 'hooks.test', protocol: 'http:', port: String(port) }, (error, socket) => {
        if (socket === null) return reject(error)
        opened.push(socket)
        resolve()
      })
    })
  await Promise.all([open(), open(), open()])
  expect(lookups).toBe(1)
  await open()
  expect(lookups).toBe(2)
})

test.each(['http:', 'https:'] as const)(
  'over %s the guard knows how many sockets are open',
  async (protocol) => {
    const { port } =
      protocol === 'https:' ? await loopback.https(trusted, () => {}) : await loopback.http(() => {})
    const { guard, result } = connect({
      hostname: 'trusted.test',
      port,
      protocol,
      privateCidrs: loopbackCidrs,
    })
    const socket = (await result) as Socket
    expect(guard.openSockets()).toBe(1)
    socket.destroy()
    await once(socket, 'close')
    await new Promise(setImmediate)
    expect(guard.openSockets()).toBe(0)
  },
)
