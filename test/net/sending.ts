/** One POST after another over real HTTP, to receivers on loopback that answer as a test says. */
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach } from 'vitest'
import { parseCidrs } from '../../src/core/address.ts'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { createSender, type NodeSender, type SenderOptions } from '../../src/net/node/send.ts'
import { createLoopback } from '../support/loopback.ts'

const parsed = parseCidrs('127.0.0.0/8')
const privateCidrs = parsed.ok ? parsed.cidrs : []
export const toLoopback: Lookup = async () => [{ address: '127.0.0.1', family: 4 }]

/** Long enough to be no part of a test that does not mean it. */
export const request = (url: string, timeoutMs = 15_000) => ({
  ownerId: 1,
  subscriptionId: 1,
  url,
  headers: { 'content-type': 'application/json', 'webhook-id': 'msg_1' },
  body: '{"type":"task.completed","note":"ü"}',
  timeoutMs,
})

/** For the file that calls it: senders and receivers are closed after each of its tests. */
export function openSending() {
  const loopback = createLoopback()
  const senders: NodeSender[] = []
  afterEach(async () => {
    await Promise.all(senders.splice(0).map((sender) => sender.close()))
    await loopback.closeAll()
  })

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

  return { loopback, makeSender, sendTo, sendToRaw, slowReceiver }
}
