/** A real upstream that answers as a test says, and what asking it gives. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { createUpstream } from '../../../src/net/qencode.ts'
import type { UpstreamFetch } from '../../../src/ports.ts'

export const a = 'a2600fc63e4511e8ac870202b56d93e3'
export const b = '471272a512d76c22665db9dcee893409'
export const c = 'c'.repeat(32)
export const userAgent = 'Pollhook/1.2.3'

export type Asking = ReturnType<typeof openAsking>

/** For the suite that calls it: its upstream is closed after each test. */
export function openAsking(fetch: UpstreamFetch) {
  /** One real upstream per test, on a free port. */
  let close: () => Promise<void> = async () => {}
  afterEach(() => close())

  async function listen(handler: RequestListener): Promise<string> {
    const server = createServer(handler)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    close = () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const now = () => Date.parse('2026-11-23T10:00:00Z')
  const upstream = createUpstream({ userAgent, fetch, timeoutMs: 15_000, now })

  function answering(
    body: unknown,
    head: { status?: number; headers?: Record<string, string | string[]> } = {},
  ) {
    return listen((_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(head.status ?? 200, head.headers)
      response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
    })
  }

  async function statusesOf(body: unknown, tokens: string[]) {
    const answer = await upstream.status(await answering(body), tokens)
    return answer.kind === 'statuses' ? Object.fromEntries(answer.statuses) : answer
  }

  return { answering, close: () => close(), fetch, listen, statusesOf, upstream }
}
