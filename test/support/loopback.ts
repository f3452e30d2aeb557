/** Servers on loopback for tests: each is closed, with its connections, when the test file asks for it. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import type { Certificate } from './certificate.ts'

export interface Loopback {
  /** An HTTP server on 127.0.0.1. */
  http(listener: RequestListener): Promise<{ server: Server; port: number }>
  https(certificate: Certificate, listener: RequestListener): Promise<{ server: Server; port: number }>
  /** A bare TCP server, for answers that no HTTP server would give. */
  tcp(listener: (socket: Socket) => void): Promise<{ server: TcpServer; port: number }>
  closeAll(): Promise<void>
}

export function createLoopback(): Loopback {
  const closers: (() => Promise<void>)[] = []
  const listen = async <T extends TcpServer>(server: T) => {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    })
    closers.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { server, port: (server.address() as AddressInfo).port }
  }
  return {
    http: (listener) => listen(createHttpServer(listener)),
    https: (certificate, listener) => listen(createHttpsServer(certificate, listener)),
    tcp: (listener) => listen(createTcpServer(listener)),
    async closeAll() {
      await Promise.all(closers.splice(0).map((close) => close()))
    },
  }
}

export type BodyListener = (body: string, response: ServerResponse, request: IncomingMessage) => void

/** Called once the body is there: of a client that is killed in the middle of a request there is no end, and no answer. */
export function onBody(answer: BodyListener): RequestListener {
  return (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => answer(body, response, request))
  }
}
