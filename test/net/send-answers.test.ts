/** What an answer of the receiver comes to, and how much of it is kept and read. */
import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openSending, request } from './sending.ts'

const { loopback, makeSender, sendTo, sendToRaw } = openSending()

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

  test('is no 2xx after more informational answers than anybody needs', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)
    const outcome = await sendToRaw(`${early}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`)
    expect(outcome).toEqual({ kind: 'unreachable', errorCode: 'network_error' })
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
