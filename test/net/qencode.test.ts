import { once } from 'node:events'
import { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createUpstreamFetch } from '../../src/net/node/upstream-fetch.ts'
import { createUpstream } from '../../src/net/qencode.ts'
import { upstreamSuite } from './upstream/suite.ts'

const userAgent = 'Pollhook/1.2.3'

describe('with the global fetch, as on Workers', () => upstreamSuite(fetch))
describe('with the fetch of Node', () => {
  upstreamSuite(createUpstreamFetch().fetch)

  it('gives each address of a name the time for a SYN that is sent again, within that of the call', async () => {
    const connect = vi.spyOn(net, 'connect')
    for (const [timeoutMs, expected] of [
      [15_000, 2_500],
      [1_000, 250],
    ] as const) {
      const { fetch, close } = createUpstreamFetch({ timeoutMs })
      await createUpstream({ userAgent, fetch, timeoutMs }).status('http://127.0.0.1:1', ['a'.repeat(32)])
      expect(connect.mock.lastCall![0]).toMatchObject({ autoSelectFamilyAttemptTimeout: expected })
      await close()
    }
    connect.mockRestore()
  })

  it('what comes in one piece is read as one, in however many chunks it is', async () => {
    const chunks = `${'1\r\n \r\n'.repeat(10_000)}0\r\n\r\n`
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { fetch, close } = createUpstreamFetch()
    onTestFinished(close)
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/v1/status`
    const signal = AbortSignal.timeout(10_000)
    const { body } = await fetch(url, { method: 'POST', headers: {}, body: '', redirect: 'manual', signal })
    const pieces = []
    for await (const piece of body ?? []) pieces.push(piece.byteLength)
    expect(pieces.reduce((sum, bytes) => sum + bytes)).toBe(10_000)
    // As many as the socket was read, which is for the machine to say.
    expect(pieces.length).toBeLessThan(100)
  })

  it('a close ends the calls that wait for an answer, and those made later', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { fetch, close } = createUpstreamFetch()
    const upstream = createUpstream({ userAgent, fetch, timeoutMs: 1_000_000 })
    const asked = once(server, 'request')
    const waiting = upstream.status(origin, ['a'.repeat(32)])
    await asked
    await close()
    expect(await waiting).toEqual({ kind: 'failed', reason: 'network' })
    expect(await upstream.status(origin, ['a'.repeat(32)])).toEqual({ kind: 'failed', reason: 'network' })
    server.closeAllConnections()
    server.close()
  })
})
