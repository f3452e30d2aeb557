/**
 * The HTTP server: what is no HTTP, or no address, never reaches the app, and is refused here in the same shape as everything
 * else (CONTRACT §2 "Errors").
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener, RequestError } from '@hono/node-server'
import { type Problem, problemBody, problemHeaders } from '../http/problem.ts'
import type { Log } from '../ports.ts'

export interface HttpServerOptions {
  /** For requests that name no host. */
  hostname: string
  fetch: Parameters<typeof getRequestListener>[0]
  log: Log
}

/** A connection that was refused is closed once it has been quiet for so long, if the client does not close it. */
const goodbyeMs = 2_000

export function createHttpServer({ hostname, fetch, log }: HttpServerOptions): Server {
  /** The newest answer on each connection. */
  const answers = new WeakMap<Duplex, ServerResponse>()
  const listener = getRequestListener(fetch, {
    hostname,
    errorHandler(error) {
      if (error instanceof RequestError) return refuse(noAddress)
      log.error('request failed', { error })
      return refuse(failed)
    },
  })
  const server = createServer(listener)
  server.on('request', (request, answer) => void answers.set(request.socket, answer))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket)
    // Nothing may follow half an answer.
    const isAnswering = answer?.headersSent === true && !answer.writableFinished
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswering) {
      socket.destroy(error)
      return
    }
    socket.end(rawRefusal(error.code))
    // Whoever goes on sending reads the answer all the same, but nobody keeps the connection by it.
    socket.resume()
    if (socket instanceof Socket) socket.setTimeout(goodbyeMs, () => socket.destroy())
  })
  return server
}

const noAddress: Problem = {
  code: 'invalid_request',
  detail: 'The target of the request, or its Host header, is no valid address.',
}

const failed: Problem = { code: 'internal', detail: 'Pollhook failed to handle the request.' }

function refuse(problem: Problem): Response {
  const requestId = randomUUID()
  const body = problemBody(problem, requestId)
  const headers = { ...problemHeaders(problem), 'x-request-id': requestId }
  return new Response(JSON.stringify(body), { status: body.status, headers })
}

/** What Node's parser says, by its code; the contract has no codes of its own for these. */
const refusals: Readonly<Record<string, { status: number; detail: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, detail: 'The address and headers are over 16 KiB.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, detail: 'The chunk extensions of the body are too large.' },
  HPE_INVALID_METHOD: { status: 400, detail: 'The method is none of HTTP.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, detail: 'The request took too long to arrive.' },
}
const notHttp = { status: 400, detail: 'The request is no valid HTTP/1.1.' }

function rawRefusal(code = ''): string {
  const { status, detail } = refusals[code] ?? notHttp
  const problem: Problem = { code: 'invalid_request', detail }
  const requestId = randomUUID()
  const body = JSON.stringify({ ...problemBody(problem, requestId), status })
  const headers = {
    ...problemHeaders(problem),
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}
