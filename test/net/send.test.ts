import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import net, { type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseCidrs } from '../../src/core/address.ts'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { createSender, type NodeSender, type SenderOptions } from '../../src/net/node/send.ts'
import { selfSigned } from '../support/certificate.ts'
import { createLoopback } from '../support/loopback.ts'

const loopback = createLoopback()
const senders: NodeSender[] = []
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close()))
  await loopback.closeAll()
})

const parsed = parseCidrs('127.0.0.0/8')
const privateCidrs = parsed.ok ? parsed.cidrs : []
const toLoopback: Lookup = async () => [{ address: '127.0.0.1', family: 4 }]

function makeSender(options: Partial<SenderOptions> = {}): NodeSender {
  const sender = createSender({
    concurrencyPerOrigin: 64,
    lookupsMax: 6,
    insecure: true,
    privateCidrs,
    ...options,
  })
  senders.push(sender)
  return sender
}

/** Long enough to be no part of a test that does not mean it. */
const request = (url: string, timeoutMs = 15_000) => ({
  ownerId: 1,
  subscriptionId: 1,
  url,
  headers: { 'content-type': 'application/json', 'webhook-id': 'msg_1' },
  body: '{"type":"task.completed","note":"ü"}',
  timeoutMs,
})

async function sendTo(listener: RequestListener, timeoutMs?: number) {
  const { port } = await loopback.http(listener)
  return makeSender().send(request(`http://127.0.0.1:${port}/hook`, timeoutMs))
}

/** Sends to a server that answers with exactly these bytes, and hands over its socket. */
async function sendToRaw(answer: string, then: (socket: Socket) => void = () => {}, timeoutMs?: number) {
  const { port } = await loopback.tcp((socket) => {
    socket.once('data', () => socket.write(answer, () => then(socket)))
  })
  return makeSender().send(request(`http://127.0.0.1:${port}/hook`, timeoutMs))
}

describe('the request', () => {
  test('is one POST with the path, query, headers and bytes as given', async () => {
    const seen: unknown[] = []
    const { port } = await loopback.http(async (incoming, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk)
      seen.push([incoming.method, incoming.url, incoming.headers.host, incoming.headers['webhook-id']])
      seen.push(Buffer.concat(chunks).toString())
      response.end()
    })
    await makeSender().send(request(`http://127.0.0.1:${port}/a%20b?q=1&r=%C3%BC`))
    expect(seen).toEqual([
      ['POST', '/a%20b?q=1&r=%C3%BC', `127.0.0.1:${port}`, 'msg_1'],
      '{"type":"task.completed","note":"ü"}',
    ])
  })

  test('goes over https to a receiver with a trusted certificate', async () => {
    const certificate = selfSigned('hooks.test')
    setDefaultCACertificates([...getCACertificates('default'), certificate.cert])
    const { port } = await loopback.https(certificate, (_incoming, response) => response.end('ok'))
    const sender = makeSender({ insecure: false, lookup: toLoopback })
    const trusted = await sender.send(request(`https://hooks.test:${port}/`))
    expect(trusted).toEqual({ kind: 'accepted', statusCode: 200, responseBody: 'ok' })
    const otherName = await sender.send(request(`https://other.test:${port}/`))
    expect(otherName).toEqual({ kind: 'unreachable', errorCode: 'tls_error' })
  })

  test('uses open connections again', async () => {
    let connections = 0
    const { server, port } = await loopback.http((_incoming, response) => response.end('ok'))
    server.on('connection', () => {
      connections += 1
    })
    const sender = makeSender()
    for (let n = 0; n < 20; n++) await sender.send(request(`http://127.0.0.1:${port}/`))
    // Two, because undici frees a connection only after it has reported the end of the answer.
    expect(connections).toBeLessThanOrEqual(2)
  })

  test('never has more than the configured connections to one origin', async () => {
    const waiting: (() => void)[] = []
    let connections = 0
    const { server, port } = await loopback.http((_incoming, response) => {
      waiting.push(() => response.end())
      if (waiting.length === 3) for (const answer of waiting.splice(0)) answer()
    })
    server.on('connection', () => {
      connections += 1
    })
    const sender = makeSender({ concurrencyPerOrigin: 3 })
    const sent = Array.from({ length: 9 }, () => sender.send(request(`http://127.0.0.1:${port}/`)))
    expect((await Promise.all(sent)).every((one) => one?.kind === 'accepted')).toBe(true)
    expect(connections).toBe(3)
  })
})

/** A receiver that keeps what comes to `/slow` until it is released, and lists what comes. */
async function slowReceiver() {
  const seen: (string | undefined)[] = []
  let arrive = (_answer: () => void) => {}
  const arrived = new Promise<() => void>((resolve) => {
    arrive = resolve
  })
  const { port } = await loopback.http((incoming, response) => {
    seen.push(incoming.url)
    if (incoming.url === '/slow') arrive(() => response.end())
    else response.end()
  })
  return { seen, arrived, url: (path: string) => `http://127.0.0.1:${port}${path}` }
}

describe('a request that waits for its connection', () => {
  test('does not go out when it is not wanted any more by then', async () => {
    const { seen, arrived, url } = await slowReceiver()
    const sender = makeSender({ concurrencyPerOrigin: 1 })
    let isWanted = true
    const slow = sender.send(request(url('/slow')), () => isWanted)
    const release = await arrived
    const queued = sender.send(request(url('/queued')), () => isWanted)
    isWanted = false
    release()
    expect(await queued).toBeNull()
    expect(await slow).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
    expect(await sender.send(request(url('/next')))).toEqual({
      kind: 'accepted',
      statusCode: 200,
      responseBody: null,
    })
    expect(seen).toEqual(['/slow', '/next'])
  })

  test('does not either while the name is being looked up', async () => {
    const { seen, url } = await slowReceiver()
    let isWanted = true
    const lookup: Lookup = (hostname) => {
      isWanted = false
      return toLoopback(hostname)
    }
    const sent = makeSender({ lookup }).send(
      request(url('/').replace('127.0.0.1', 'hooks.test')),
      () => isWanted,
    )
    expect(await sent).toBeNull()
    expect(seen).toEqual([])
  })

  test('does not wait for the answers to another owner', async () => {
    const { seen, arrived, url } = await slowReceiver()
    const sender = makeSender({ concurrencyPerOrigin: 1 })
    const slow = sender.send(request(url('/slow')))
    const release = await arrived
    const other = await sender.send({ ...request(url('/other')), ownerId: 2 })
    expect(other).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
    expect(seen).toEqual(['/slow', '/other'])
    release()
    await slow
  })
})

describe('accepted', () => {
  test('leaves no timer, which would keep the body until the deadline', async () => {
    const [started, ended] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
    onTestFinished(() => void vi.restoreAllMocks())
    await sendTo((_incoming, response) => response.writeHead(204).end(), 12_345)
    const deadline = started.mock.calls.findIndex(([, ms]) => ms === 12_345)
    expect(ended).toHaveBeenCalledWith(started.mock.results[deadline]!.value)
  })

  test('is a 2xx with headers of up to 16 KiB', async () => {
    const outcome = await sendTo((_incoming, response) =>
      response.writeHead(200, { 'x-trace': 'x'.repeat(15_000) }).end(),
    )
    expect(outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
  })

  test.each([200, 201, 202, 204, 299])('is an answer of %i', async (statusCode) => {
    const outcome = await sendTo((_incoming, response) => response.writeHead(statusCode).end())
    expect(outcome).toEqual({ kind: 'accepted', statusCode, responseBody: null })
  })

  test('keeps the first 1,000 bytes of the body, reads on, and keeps the connection', async () => {
    const sockets = new Set<unknown>()
    const { port } = await loopback.http((incoming, response) => {
      sockets.add(incoming.socket)
      response.writeHead(200).write('x'.repeat(900))
      response.end('y'.repeat(900))
    })
    const sender = makeSender({ concurrencyPerOrigin: 1 })
    const responseBody = 'x'.repeat(900) + 'y'.repeat(100)
    for (const path of ['first', 'second']) {
      const outcome = await sender.send(request(`http://127.0.0.1:${port}/${path}`))
      expect(outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody })
    }
    expect(sockets.size).toBe(1)
  })

  test('is a 2xx after informational answers', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
    const outcome = await sendToRaw(`${early}${early}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`)
    expect(outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
  })

  test('is a 2xx whose body does not stop growing, and reading it stops', async () => {
    const chunk = Buffer.alloc(16_384, 'x')
    let hungUp: Promise<unknown> = Promise.resolve()
    const outcome = await sendTo((_incoming, response) => {
      hungUp = once(response, 'close')
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', pour)
      pour()
    })
    expect(outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody: 'x'.repeat(1_000) })
    await hungUp
  })
})

describe('rejected', () => {
  test.each([300, 307, 400, 404, 410, 429, 500, 503, 599])('is an answer of %i', async (statusCode) => {
    const outcome = await sendTo((_incoming, response) => response.writeHead(statusCode).end('no'))
    expect(outcome).toEqual({ kind: 'rejected', statusCode, retryAfter: null, responseBody: 'no' })
  })

  test('carries Retry-After as received, several as a list', async () => {
    const one = await sendTo((_incoming, response) => response.writeHead(503, { 'retry-after': '120' }).end())
    expect(one).toMatchObject({ retryAfter: '120', responseBody: null })
    const date = 'Fri, 27 Nov 2026 10:00:00 GMT'
    const two = await sendTo((_incoming, response) =>
      response.writeHead(429, ['retry-after', date, 'retry-after', '7']).end(),
    )
    expect(two).toMatchObject({ retryAfter: `${date}, 7` })
  })

  test('keeps the first 1,000 bytes of the body and hangs up', async () => {
    let hungUp: Promise<unknown> = Promise.resolve()
    const outcome = await sendTo((_incoming, response) => {
      hungUp = once(response, 'close')
      response.writeHead(500).write('x'.repeat(900))
      response.write('y'.repeat(900))
    })
    expect(outcome).toMatchObject({ responseBody: 'x'.repeat(900) + 'y'.repeat(100) })
    await hungUp
  })

  test('keeps a body of exactly 1,000 bytes whole', async () => {
    const outcome = await sendTo((_incoming, response) => response.writeHead(500).end('ü'.repeat(500)))
    expect(outcome).toMatchObject({ responseBody: 'ü'.repeat(500) })
  })

  test('does not keep half a character', async () => {
    const outcome = await sendTo((_incoming, response) => response.writeHead(500).end(`x${'ü'.repeat(600)}`))
    expect(outcome).toMatchObject({ responseBody: `x${'ü'.repeat(499)}` })
  })

  test('keeps a body that is not UTF-8 as text', async () => {
    const outcome = await sendTo((_incoming, response) =>
      response.writeHead(500).end(Buffer.from([0x61, 0xff])),
    )
    expect(outcome).toMatchObject({ responseBody: 'a\ufffd' })
  })

  test('stays rejected when the body is cut off or never ends', async () => {
    const head = 'HTTP/1.1 410 Gone\r\ncontent-length: 50\r\n\r\n'
    const cutOff = await sendToRaw(`${head}gone`, (socket) => socket.destroy())
    expect(cutOff).toMatchObject({ kind: 'rejected', statusCode: 410, responseBody: 'gone' })
    const endless = await sendToRaw(`${head}gone`, () => {}, 1_000)
    expect(endless).toMatchObject({ kind: 'rejected', statusCode: 410, responseBody: 'gone' })
  })
})

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

describe('connections', () => {
  /** Origins by name, and how many connections each has had. */
  async function countingOrigins(...names: string[]) {
    const connections: Record<string, number> = {}
    const urls: Record<string, string> = {}
    for (const name of names) {
      connections[name] = 0
      const { server, port } = await loopback.http((_incoming, response) => response.end())
      server.on('connection', () => {
        connections[name]! += 1
      })
      urls[name] = `http://127.0.0.1:${port}/`
    }
    const sendInTurn = async (sender: NodeSender, ...order: string[]) => {
      for (const name of order)
        expect(await sender.send(request(urls[name]!))).toMatchObject({ kind: 'accepted' })
    }
    return { connections, sendInTurn }
  }

  // What is still open is used again; idle ones are closed after a while in any case.
  test('to more origins than may stay open are closed, the one idle longest first', async () => {
    const { connections, sendInTurn } = await countingOrigins('a', 'b', 'c')
    const sender = makeSender({ originsMax: 2, concurrencyPerOrigin: 1 })
    await sendInTurn(sender, 'a', 'b', 'a', 'c', 'b')
    expect(connections).toMatchObject({ b: 2 })
  })

  test('of more sockets than may stay open are closed too', async () => {
    const { connections, sendInTurn } = await countingOrigins('a', 'b')
    const sender = makeSender({ socketsMax: 1, concurrencyPerOrigin: 1 })
    await sendInTurn(sender, 'a', 'b', 'a')
    expect(connections).toMatchObject({ a: 2 })
  })

  test('with an answer under way are not closed, however many origins there are', async () => {
    const { arrived, url } = await slowReceiver()
    const sender = makeSender({ originsMax: 1 })
    const slow = sender.send(request(url('/slow')))
    const release = await arrived
    const { sendInTurn } = await countingOrigins('a')
    await sendInTurn(sender, 'a')
    release()
    expect(await slow).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
  })

  test('are opened to a name that is found, whatever hundreds of others do', async () => {
    const { port } = await loopback.http((_incoming, response) => response.end())
    const hanging = new Set<string>()
    const lookup: Lookup = (hostname) => {
      if (hostname === 'hooks.good.test') return toLoopback(hostname)
      hanging.add(hostname)
      return new Promise(() => {})
    }
    const sender = makeSender({ lookup })
    const dark = Array.from({ length: 200 }, (_, n) => sender.send(request(`http://hook-${n}.dark.test/`)))
    expect(await sender.send(request(`http://hooks.good.test:${port}/`))).toMatchObject({ kind: 'accepted' })
    expect(hanging.size).toBe(1)
    await sender.close()
    expect(new Set((await Promise.all(dark)).map((one) => one?.kind))).toEqual(new Set(['unreachable']))
  })

  test('are cut by close, and what is in flight or sent later is a network_error', async () => {
    let arrived = () => {}
    const reached = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const { port } = await loopback.http(() => arrived())
    const sender = makeSender()
    const inFlight = sender.send(request(`http://127.0.0.1:${port}/`))
    await reached
    await sender.close()
    const networkError = { kind: 'unreachable', errorCode: 'network_error' }
    expect(await inFlight).toEqual(networkError)
    expect(await sender.send(request(`http://127.0.0.1:${port}/`))).toEqual(networkError)
  })
})
