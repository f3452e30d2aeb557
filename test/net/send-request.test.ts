/** What goes out, over which connection, and what does not go out any more. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { selfSigned } from '../support/certificate.ts'
import { openSending, request, toLoopback } from './sending.ts'

const { loopback, makeSender, slowReceiver } = openSending()

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
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, certificate.cert])
    onTestFinished(() => setDefaultCACertificates(before))
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
