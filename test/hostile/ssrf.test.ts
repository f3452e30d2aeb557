/**
 * The SSRF corpus: every way we know to spell a private address or to lead a request there, tried at
 * registration (the URL policy), and at connect time against a real server on loopback that must stay untouched.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Cidr, isPublicAddress, parseCidrs } from '../../src/core/address.ts'
import { parseCallbackUrl } from '../../src/core/target.ts'
import type { Lookup } from '../../src/net/node/lookups.ts'
import { createSender, type NodeSender } from '../../src/net/node/send.ts'
import { createLoopback } from '../support/loopback.ts'

const notPublic = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
  ...['172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '100::1', '2001:db8::1'],
  ...['3fff::1', '4000::1', '5f00::1', 'e000::1', '::ffff:0:8.8.8.8'],
  // v4-mapped, v4-compatible, NAT64, 6to4 of private addresses.
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::127.0.0.1', '::7f00:1', '::a00:1'],
  ...['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::1', '2002:a9fe:a9fe::', '2002:a00:1::1'],
  // NAT64 of a local network and Teredo, whatever is inside.
  ...['64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff::1', '2001:0:808:808::1', '2001::1'],
]

const privateHosts = [
  // One address in every spelling of IPv4 that the URL standard knows.
  ...[
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '127.0.1',
  ],
  ...[
    '0x7f.1',
    '127.0.0.1.',
    '127.0.0.01',
    '%31%32%37.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '0',
    '0x0',
    '0.0',
  ],
  ...['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '192.168.257', '10.1'],
  ...['[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]'],
  ...[
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001:0::1]',
  ],
]

const privateNames = [
  ...['localhost', 'LOCALHOST', 'localhost.', 'localhost..', 'app.localhost', 'ⓛocalhost', 'local%68ost'],
  ...['router.local', 'local', 'metadata.google.internal', 'metadata.google.internal.', 'internal'],
]

/** The host that a careless reader sees is `app.example.com`; the one that would be asked is another. */
const disguised = [
  'https://app.example.com@127.0.0.1/',
  'https://app.example.com:443@127.0.0.1/',
  'https://app.example.com%2f@127.0.0.1/',
  'https://127.0.0.1\\@app.example.com/',
  'https://127.0.0.1\\.app.example.com/',
  'https://127.0.0.1#@app.example.com/',
  'https://127.0.0.1?@app.example.com/',
  'https:127.0.0.1/',
  'https:\\\\127.0.0.1\\',
  'https:////127.0.0.1/',
  ' https://127.0.0.1/',
  'h\nttps://127.0.\t0.1/',
  'https://[::ffff:127.0.0.1]:443/',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'blob:https://app.example.com/1',
]

describe('at registration', () => {
  const policy = { insecure: false, privateCidrs: [] }

  test.each(notPublic)('%s is not a public address', (address) =>
    expect(isPublicAddress(address)).toBe(false),
  )

  test.each(privateHosts)('https://%s/ is refused for its address', (host) => {
    expect(parseCallbackUrl(`https://${host}/`, policy)).toMatchObject({
      ok: false,
      refusal: 'blocked_address',
    })
    expect(parseCallbackUrl(`https://${host}:8443/hook`, policy).ok).toBe(false)
  })

  test.each(privateNames)('https://%s/ is refused for its name', (host) => {
    expect(parseCallbackUrl(`https://${host}/`, policy)).toMatchObject({ ok: false, refusal: 'blocked_url' })
  })

  test.each(disguised)('%j is refused', (url) => expect(parseCallbackUrl(url, policy).ok).toBe(false))
})

describe('at connect time', () => {
  const loopback = createLoopback()
  const senders: NodeSender[] = []
  let connections = 0
  let port = 0

  beforeEach(async () => {
    connections = 0
    const { server, port: chosen } = await loopback.http((_request, response) => response.end('secret'))
    server.on('connection', () => {
      connections += 1
    })
    port = chosen
  })
  afterEach(async () => {
    await Promise.all(senders.splice(0).map((sender) => sender.close()))
    await loopback.closeAll()
  })

  const post = (url: string, lookup: Lookup, privateCidrs: Cidr[] = []) => {
    const sender = createSender({
      concurrencyPerOrigin: 4,
      lookupsMax: 1,
      insecure: true,
      privateCidrs,
      lookup,
    })
    senders.push(sender)
    return sender.send({ ownerId: 1, subscriptionId: 1, url, headers: {}, body: '{}', timeoutMs: 10_000 })
  }
  const answer = (...addresses: string[]): Lookup => {
    return async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  const parsed = parseCidrs('127.0.0.0/8')
  const opened = parsed.ok ? parsed.cidrs : []
  const unasked: Lookup = () => Promise.reject(new Error('no name should be looked up'))

  test('no spelling of a private host is connected to', async () => {
    for (const host of privateHosts) {
      const outcome = await post(`http://${host}:${port}/`, unasked)
      expect(outcome, host).toEqual({ kind: 'refused', errorCode: 'blocked_address' })
    }
    expect(connections).toBe(0)
  })

  test('a name that resolves to any address that is not public is refused, over http and https', async () => {
    for (const address of notPublic) {
      for (const scheme of ['http', 'https']) {
        const outcome = await post(`${scheme}://app.example.com:${port}/`, answer(address))
        expect(outcome, address).toEqual({ kind: 'refused', errorCode: 'blocked_address' })
      }
    }
    expect(connections).toBe(0)
  })

  test('one private address among public ones refuses the name, wherever it stands', async () => {
    const mixed = [answer('93.184.215.14', '127.0.0.1'), answer('127.0.0.1', '93.184.215.14')]
    for (const lookup of mixed) {
      const outcome = await post(`http://app.example.com:${port}/`, lookup)
      expect(outcome).toEqual({ kind: 'refused', errorCode: 'blocked_address' })
    }
    expect(connections).toBe(0)
  })

  test('a resolver that answers public first and private second does not get through', async () => {
    let asked = 0
    const rebinding: Lookup = async () => {
      asked += 1
      return [{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }]
    }
    // The first answer is what a check at registration would see; the connection takes the second.
    expect(await rebinding('app.example.com')).toEqual([{ address: '93.184.215.14', family: 4 }])
    const outcome = await post(`http://app.example.com:${port}/`, rebinding)
    expect(outcome).toEqual({ kind: 'refused', errorCode: 'blocked_address' })
    expect({ asked, connections }).toEqual({ asked: 2, connections: 0 })
  })

  test('a connection that was allowed does not vouch for the next one to the same name', async () => {
    const answers = ['127.0.0.1', '10.0.0.1']
    const lookup: Lookup = async () => [{ address: answers.shift() ?? '', family: 4 }]
    const receiver = await loopback.http((_request, response) =>
      response.writeHead(200, { connection: 'close' }).end(),
    )
    const sender = createSender({
      concurrencyPerOrigin: 4,
      lookupsMax: 1,
      insecure: true,
      privateCidrs: opened,
      lookup,
    })
    senders.push(sender)
    const url = `http://app.example.com:${receiver.port}/`
    const request = { ownerId: 1, subscriptionId: 1, url, headers: {}, body: '{}', timeoutMs: 10_000 }
    expect(await sender.send(request)).toEqual({ kind: 'accepted', statusCode: 200, responseBody: null })
    expect(await sender.send(request)).toEqual({ kind: 'refused', errorCode: 'blocked_address' })
  })

  test('a redirect to a private address is an answer, not an instruction', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://127.0.0.1:${port}/latest/meta-data/`
      const receiver = await loopback.http((_request, response) =>
        response.writeHead(status, { location }).end(),
      )
      const outcome = await post(`http://127.0.0.1:${receiver.port}/`, unasked, opened)
      expect(outcome).toMatchObject({ kind: 'rejected', statusCode: status })
    }
    expect(connections).toBe(0)
  })
})
