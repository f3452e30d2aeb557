/** Connections that stay open for the next attempt: which are closed, and what closes them. */
import { describe, expect, test } from 'vitest'
import type { Lookup } from '../../src/net/node/lookups.ts'
import type { NodeSender } from '../../src/net/node/send.ts'
import { openSending, request, toLoopback } from './sending.ts'

const { loopback, makeSender, slowReceiver } = openSending()

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
