/**
 * The HTTP server: what is no HTTP, or no address, never reaches the app, and is refused here in the same shape as everything
 * else (CONTRACT §2 "Errors").
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import { type Problem, problemBody, problemHeaders, problemResponse } from '../http/problem.ts'
import type { Log } from '../ports.ts'

export interface HttpServerOptions {
  /** For requests that name no host. */
  hostname: string
  fetch: Parameters<typeof getRequestListener>[0]
  log: Log
}

export interface HttpServer {
  server: Server
  /** Ends the port. Resolves once what was asked before has its answer: no connection is kept to be asked on. */
  close(): Promise<void>
  /** Ends port and connections at once. */
  cut(): void
}

/** Answers that one connection may wait for. Clients ask for few at once; each costs its share of a turn, and is kept until it is read. */
const waitingMax = 16

export function createHttpServer({ hostname, fetch, log }: HttpServerOptions): HttpServer {
  /** Of each connection, the answers that are still to come or on their way: a client may ask again before it has one. */
  const answers = new WeakMap<Duplex, Set<ServerResponse>>()
  const listener = getRequestListener(fetch, {
    hostname,
    errorHandler(error) {
      if (error instanceof RequestError) return problemResponse(noAddress, randomUUID())
      log.error('request failed', { error })
      return problemResponse(failed, randomUUID())
    },
  })
  // Checked here, where the refusal is a problem.
  const server = createServer({ requireHostHeader: false }, (request, answer) => {
    const { socket } = request
    const all = answers.get(socket) ?? new Set()
    // Thousands may have come in one piece. What was asked for may be asked again: none of it is answered any more.
    if (socket.destroyed || all.size >= waitingMax) {
      socket.destroy()
      return
    }
    answers.set(socket, all.add(answer))
    answer.once('close', () => {
      all.delete(answer)
      // It may have begun before the port ended, when its connection was to be kept.
      if (!server.listening && all.size === 0) socket.destroySoon()
    })
    if (!server.listening) answer.shouldKeepAlive = false
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      answerWith(answer, 400, noAddress)
    else void listener(request, answer)
  })
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('checkExpectation', (_request, answer) => answerWith(answer, 417, noExpectation))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const all = [...(answers.get(socket) ?? [])]
    // Nothing may follow half an answer, or come before one that was asked for earlier.
    const isTaken = all.length > 1 || all.some(({ headersSent, req }) => headersSent || req.complete)
    if (!socket.writable || error.code === 'ECONNRESET' || isTaken) socket.destroy(error)
    // However slowly the rest would come, as from a client that was too slow already.
    else socket.end(rawRefusal(error.code), () => socket.destroy())
  })
  return {
    server,
    close: () => closeServer(server, { open, answers }),
    cut() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Connections {
  open: ReadonlySet<Socket>
  answers: WeakMap<Duplex, ReadonlySet<ServerResponse>>
}

/** For the head of a request that is on its way. */
const requestHeadMs = 250

function closeServer(server: Server, { open, answers }: Connections): Promise<void> {
  // Node would cut at once what waits to be asked, though a request may be on its way, and what is written and not sent yet.
  server.closeIdleConnections = () => {}
  for (const socket of open) {
    const last = [...(answers.get(socket) ?? [])].at(-1)
    if (last !== undefined) last.shouldKeepAlive = false
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      // Opened ahead of need, as browsers do, or in the middle of asking: Node would wait for the rest.
      for (const socket of open) if (!answers.get(socket)?.size) socket.destroy()
    }, requestHeadMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const noAddress: Problem = {
  code: 'invalid_request',
  detail: 'The target of the request, or its Host header, is no valid address.',
}

const noExpectation: Problem = {
  code: 'invalid_request',
  detail: 'Of what an Expect header may ask, only 100-continue is known.',
}

const failed: Problem = { code: 'internal', detail: 'Pollhook failed to handle the request.' }

/** What Node's parser says, by its code; the contract has no codes of its own for these. */
const refusals: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The address and headers are over 16 KiB.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions of the body are too large.' },
  HPE_INVALID_METHOD: { status: 400, detail: 'The method is none of HTTP.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request took too long to arrive.' },
}
const notHttp = { status: 400, detail: 'The request is no valid HTTP/1.1.' }

function answerWith(answer: ServerResponse, status: number, problem: Problem): void {
  const { headers, body } = refusalOf(status, problem)
  answer.writeHead(status, { ...headers, connection: 'close' }).end(body)
}

function rawRefusal(code = ''): string {
  const { status, detail } = refusals[code] ?? notHttp
  const { headers, body } = refusalOf(status, { code: 'invalid_request', detail })
  const all = { ...headers, connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

function refusalOf(status: number, problem: Problem) {
  const requestId = randomUUID()
  const body = JSON.stringify({ ...problemBody(problem, requestId), status })
  const headers = {
    ...problemHeaders(problem),
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
  }
  return { headers, body }
}
