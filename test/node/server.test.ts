/** CONTRACT §2 "Errors": what never reaches the app is refused in the same shape. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { createHttpServer, type HttpServerOptions } from '../../src/node/server.ts'

let close = async () => {}
afterEach(() => close())

async function listen(fetch: HttpServerOptions['fetch']) {
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const { server, close: closePort } = createHttpServer({ fetch, hostname: '127.0.0.1', log })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  close = () => new Promise((resolve) => server.close(() => resolve()))
  return { port: (server.address() as AddressInfo).port, log, server, closePort }
}

/** @returns all that comes until the connection ends */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (part) => {
    answer += part
  })
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

function parse(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = new Headers(lines.map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]))
  return { status: Number(first.split(' ')[1]), headers, body: JSON.parse(body) }
}

const rest = 'host: x\r\nconnection: close\r\n\r\n'

it.each([
  ['a target that is no path', `OPTIONS * HTTP/1.1\r\n${rest}`, 400],
  ['a backslash in the path', `GET /v1\\tasks HTTP/1.1\r\n${rest}`, 400],
  ['a Host that is none', `GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n`, 400],
  ['a method that is none', `FOO / HTTP/1.1\r\n${rest}`, 400],
  ['what is no HTTP', 'hello\r\n\r\n', 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['an expectation that nobody knows', 'GET / HTTP/1.1\r\nexpect: more\r\nhost: x\r\n\r\n', 417],
  ['too many headers', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n${rest}`, 431],
])('%s is refused as a problem with an id, and ends the connection', async (_what, request, status) => {
  const { port } = await listen(() => new Response('not reached'))
  const { headers, body, ...answer } = parse(await exchange(port, request))
  expect([answer.status, headers.get('content-type')]).toEqual([status, 'application/problem+json'])
  expect(body).toMatchObject({ type: 'about:blank', code: 'invalid_request', status })
  expect(body.request_id).toMatch(/^[0-9a-f-]{36}$/)
  expect(headers.get('x-request-id')).toBe(body.request_id)
  expect(headers.get('connection')).toBe('close')
})

it.each([
  ['a request that took too long to arrive', 'ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['too large chunk extensions', 'HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
])('%s is no mistake of form: its status says what it is', async (_what, code, status) => {
  const { port, server } = await listen(() => new Response('not reached'))
  server.once('connection', (socket) =>
    server.emit('clientError', Object.assign(new Error(), { code }), socket),
  )
  expect(parse(await exchange(port, ''))).toMatchObject({ status, body: { status } })
})

it('a request of HTTP/1.0, as of a health check, need not name a host', async () => {
  const { port } = await listen(({ url }) => new Response(JSON.stringify(url)))
  const { status, body } = parse(await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n'))
  expect([status, body]).toEqual([200, 'http://127.0.0.1/healthz'])
})

it('an app that throws is an internal error without its text, and logged', async () => {
  const { port, log } = await listen(() => Promise.reject(new Error('told to nobody')))
  const answer = await exchange(port, `GET / HTTP/1.1\r\n${rest}`)
  expect(parse(answer)).toMatchObject({ status: 500, body: { code: 'internal' } })
  expect(answer).not.toContain('told')
  expect(log.error).toHaveBeenCalledOnce()
})

it.each([
  ['', ''],
  [', with another one asked for', 'GET /later HTTP/1.1\r\nhost: x\r\n\r\n'],
])(
  'what is no HTTP after half an answer%s ends the connection, and adds nothing to it',
  async (_what, more) => {
    const body = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('half')) })
    const { port } = await listen(({ url }) =>
      url.endsWith('/later') ? new Promise(() => {}) : new Response(body),
    )
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    socket.on('error', () => {})
    let answer = ''
    const half = new Promise<void>((resolve) => {
      socket.on('data', (part) => {
        answer += part
        if (answer.includes('half')) resolve()
      })
    })
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await half
    socket.write(`${more}hello\r\n\r\n`)
    await once(socket, 'close')
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
  },
)

it.each([1, 2])(
  'what is no HTTP after %i that wait for their answers is no answer to the first',
  async (count) => {
    const { port } = await listen(() => new Promise(() => {}))
    const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
    expect(await exchange(port, `${request.repeat(count)}hello\r\n\r\n`)).toBe('')
  },
)

it('an answer that is not read yet when the port ends arrives whole', async () => {
  const size = 20_000_000
  const { port, closePort } = await listen(() => new Response('x'.repeat(size)))
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  let received = 0
  await once(socket, 'readable')
  const closed = closePort()
  socket.on('data', (part) => {
    received += part.length
  })
  socket.resume()
  await Promise.all([closed, once(socket, 'close')])
  expect(received).toBeGreaterThan(size)
})

it('a connection that Node left open for the sake of such an answer is not waited for', async () => {
  const { port, server, closePort } = await listen(
    ({ url }) => new Response('x'.repeat(url.endsWith('/long') ? 20_000_000 : 1)),
  )
  server.keepAliveTimeout = 0
  const [idle, reader] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  idle.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(idle, 'data')
  reader.write('GET /long HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(reader, 'readable')
  const closed = closePort()
  for (const socket of [idle, reader]) socket.resume()
  await Promise.all([closed, once(idle, 'close'), once(reader, 'close')])
})

it('a refused client that keeps its side open is not waited for', async () => {
  const { port } = await listen(() => new Response('not reached'))
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()
  socket.on('error', () => {})
  socket.write('hello\r\n\r\n')
  await once(socket, 'end')
  await close()
  socket.destroy()
})

it.each([
  ['on which nobody has asked for anything', ''],
  ['on which half a request has come', 'GET / HTT'],
])('a connection %s does not keep the port', async (_what, text) => {
  const { port, server, closePort } = await listen(() => new Response('not reached'))
  const accepted = once(server, 'connection')
  const unused = connect(port, '127.0.0.1').resume()
  unused.on('error', () => {})
  unused.write(text)
  await accepted
  await Promise.all([closePort(), once(unused, 'close')])
})

it('the first request of a connection that is on its way when the port ends is answered, and the last', async () => {
  const { port, server, closePort } = await listen(() => new Response('{}'))
  const accepted = once(server, 'connection')
  // It would keep the connection.
  const answer = exchange(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await accepted
  await closePort()
  expect(parse(await answer)).toMatchObject({ status: 200, headers: expect.any(Headers) })
  expect(parse(await answer).headers.get('connection')).toBe('close')
})

it.each([
  ['whole', 1],
  ['one of three', 3],
])('an answer under way when the port ends is the last of its connection: %s', async (_what, count) => {
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let requests = 0
  const { port, closePort } = await listen(async () => {
    requests += 1
    if (requests === count) asked.resolve()
    await goOn.promise
    return new Response('{}')
  })
  const answer = exchange(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(count))
  await asked.promise
  const closed = closePort()
  goOn.resolve()
  await closed
  const text = await answer
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(count)
  expect(text.match(/connection: close/gi)).toHaveLength(1)
})

it('the connection of an answer that had begun when the port ends is not kept for another', async () => {
  let end = () => {}
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(new TextEncoder().encode('half'))
      end = () => stream.close()
    },
  })
  const { port, server, closePort } = await listen(() => new Response(body))
  // Node's own patience with it.
  server.keepAliveTimeout = 0
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'data')
  const closed = closePort()
  end()
  socket.resume()
  await Promise.all([closed, once(socket, 'close')])
})

it('a client that asks again just as the port ends is answered, and told to go', async () => {
  const { port, closePort } = await listen(() => new Response('hi'))
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
  socket.write(request)
  await once(socket, 'data')
  const closed = closePort()
  socket.write(request)
  const [answer] = await once(socket, 'data')
  expect(String(answer).toLowerCase()).toMatch(/^http\/1\.1 200 .*\r\nconnection: close\r\n/s)
  await Promise.all([closed, once(socket, 'close')])
})

it('who asks for very much at once without waiting is cut off: little of it is run', async () => {
  const asked: string[] = []
  const { port } = await listen(({ url }) => {
    asked.push(url)
    return new Promise(() => {})
  })
  await exchange(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2_000))
  expect(asked).toHaveLength(16)
})

it('who asks for a few at once has an answer to each', async () => {
  const { port } = await listen(() => Response.json('yes'))
  const answers = await exchange(
    port,
    `${'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(15)}GET / HTTP/1.1\r\n${rest}`,
  )
  expect(answers.match(/"yes"/g)).toHaveLength(16)
})
