/** Attempts without a usable answer: why the receiver was not reached, and what is refused before it is tried. */
import net from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { parseCidrs } from '../../src/core/address.ts'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { selfSigned } from '../support/certificate.ts'
import { openSending, request } from './sending.ts'

const { loopback, makeSender, sendTo, sendToRaw, slowReceiver } = openSending()

describe('unreachable', () => {
  const unreachable = (errorCode: string) => ({ kind: 'unreachable', errorCode })

  test('is a dns_error when the name has no address', async () => {
    const lookup: Lookup = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
    const outcome = await makeSender({ lookup }).send(request('http://hooks.test/'))
    expect(outcome).toEqual(unreachable('dns_error'))
  })

  test('is connection_refused when nobody listens, by address and by a name of two addresses', async () => {
    const { server, port } = await loopback.tcp(() => {})
    await new Promise((resolve) => server.close(resolve))
    const lookup: Lookup = async () => ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    const sender = makeSender({ lookup })
    for (const host of ['127.0.0.1', 'hooks.test'])
      expect(await sender.send(request(`http://${host}:${port}/`))).toEqual(unreachable('connection_refused'))
  })

  test('is connection_reset when the receiver hangs up before an answer', async () => {
    const closed = await sendToRaw('', (socket) => socket.end())
    expect(closed).toEqual(unreachable('connection_reset'))
    const reset = await sendToRaw('', (socket) => socket.resetAndDestroy())
    expect(reset).toEqual(unreachable('connection_reset'))
  })

  test('is connection_reset when a 2xx loses its connection in the middle of the body', async () => {
    const heads = ['content-length: 50', 'transfer-encoding: chunked\r\n\r\n20']
    for (const head of heads) {
      const answer = `HTTP/1.1 200 OK\r\n${head}\r\n\r\nhalf`
      const reset = await sendToRaw(answer, (socket) => socket.resetAndDestroy())
      expect(reset).toEqual(unreachable('connection_reset'))
    }
    for (const head of [...heads, 'connection: close\r\ntransfer-encoding: chunked\r\n\r\n20']) {
      const ended = await sendToRaw(`HTTP/1.1 200 OK\r\n${head}\r\n\r\nhalf`, (socket) => socket.end())
      expect(ended).toEqual(unreachable('connection_reset'))
    }
  })

  test('is what one address said, where another cannot be reached from here at all', async () => {
    const { server, port } = await loopback.tcp(() => {})
    await new Promise((resolve) => server.close(resolve))
    const lookup: Lookup = async () =>
      ['255.255.255.255', '127.0.0.1'].map((address) => ({ address, family: 4 }))
    const all = parseCidrs('127.0.0.0/8,255.255.255.255/32')
    const sender = makeSender({ lookup, privateCidrs: all.ok ? all.cidrs : [] })
    expect(await sender.send(request(`http://hooks.test:${port}/`))).toEqual(
      unreachable('connection_refused'),
    )
  })

  test('gives each address of a name the time for a SYN that is sent again', async () => {
    const { port } = await loopback.http((_incoming, response) => response.end())
    const connect = vi.spyOn(net, 'connect')
    const lookup: Lookup = async () => ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    expect(await makeSender({ lookup }).send(request(`http://hooks.test:${port}/`))).toMatchObject({
      kind: 'accepted',
    })
    expect(connect.mock.calls).toHaveLength(1)
    expect(connect.mock.calls[0]![0]).toMatchObject({ autoSelectFamilyAttemptTimeout: 2_500 })
    connect.mockRestore()
  })

  test('is a timeout when no answer comes', async () => {
    expect(await sendTo(() => {}, 300)).toEqual(unreachable('timeout'))
  })

  test('is a timeout when the headers never end', async () => {
    expect(await sendToRaw('HTTP/1.1 200 OK\r\nx-a: ', () => {}, 300)).toEqual(unreachable('timeout'))
  })

  test('is a timeout when a 2xx never ends, however busily it trickles', async () => {
    let timer: NodeJS.Timeout | undefined
    const outcome = await sendTo((_incoming, response) => {
      timer = setInterval(() => response.write('.'), 20)
    }, 300)
    clearInterval(timer)
    expect(outcome).toEqual(unreachable('timeout'))
  })

  test('is a timeout when the name is still being looked up', async () => {
    const lookup: Lookup = () => new Promise(() => {})
    const sender = makeSender({ lookup, connectTimeoutMs: 1_000 })
    expect(await sender.send(request('http://hooks.test/', 300))).toEqual(unreachable('timeout'))
  })

  test('is a timeout for what waits behind a slow answer, and it is not sent later', async () => {
    const { seen, arrived, url } = await slowReceiver()
    const sender = makeSender({ concurrencyPerOrigin: 1 })
    const slow = sender.send(request(url('/slow')))
    const release = await arrived
    const queued = await sender.send(request(url('/queued'), 300))
    expect(queued).toEqual(unreachable('timeout'))
    release()
    expect(await slow).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
    const next = await sender.send(request(url('/next')))
    expect(next).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
    expect(seen).toEqual(['/slow', '/next'])
  })

  test('is a tls_error for an unknown certificate', async () => {
    const { port } = await loopback.https(selfSigned('127.0.0.1'), (_incoming, response) => response.end())
    expect(await makeSender().send(request(`https://127.0.0.1:${port}/`))).toEqual(unreachable('tls_error'))
  })

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(40_000)}\r\n\r\n`],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    ],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a status of 99', 'HTTP/1.1 099 Odd\r\n\r\n'],
  ])('is a network_error for %s', async (_name, answer) => {
    expect(await sendToRaw(answer)).toEqual(unreachable('network_error'))
  })
})

describe('refused', () => {
  test('is a URL that policy forbids now, whatever it did at registration', async () => {
    const sender = makeSender({ insecure: false })
    const refused = { kind: 'refused', errorCode: 'blocked_url' }
    for (const url of [
      'http://example.com/',
      'https://a:b@example.com/',
      'https://printer.local/',
      'nonsense',
    ])
      expect(await sender.send(request(url)), url).toEqual(refused)
  })

  test('is an address that is not allowed, by literal and by name', async () => {
    const sender = makeSender({ lookup: async () => [{ address: '10.0.0.1', family: 4 }] })
    const refused = { kind: 'refused', errorCode: 'blocked_address' }
    expect(await sender.send(request('http://10.0.0.1/'))).toEqual(refused)
    expect(await sender.send(request('https://hooks.test/'))).toEqual(refused)
  })
})
