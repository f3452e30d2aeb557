import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Cidr, isAllowedAddress, isPublicAddress, parseCidrs } from '../../src/core/address.ts'
import { hasLongHost, parseCallbackUrl, parseHostPatterns, parseStatusUrl } from '../../src/core/target.ts'

const cidrs = (list: string): Cidr[] => {
  const parsed = parseCidrs(list)
  if (!parsed.ok) throw new Error(parsed.faults.join())
  return parsed.cidrs
}
const patterns = (list: string) => {
  const parsed = parseHostPatterns(list)
  if (!parsed.ok) throw new Error(parsed.faults.join())
  return parsed.patterns
}
const strict = { insecure: false, privateCidrs: [] }
const loopback = { insecure: true, privateCidrs: cidrs('127.0.0.0/8,::1/128') }

describe('addresses', () => {
  test.each(['8.8.8.8', '172.15.255.255', '172.32.0.0', '100.63.255.255', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  test.each(['::ffff:8.8.8.8', '::8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'])(
    '%s is public because the IPv4 address inside is',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  test('text that is not a strict address is not public', () => {
    for (const text of [
      '',
      'example.com',
      '8.8.8',
      '010.8.8.8',
      '0x8.8.8.8',
      '134744072',
      '8.8.8.8 ',
      '[::1]',
    ])
      expect(isPublicAddress(text), text).toBe(false)
  })

  test('an IPv4 address and all its IPv6 spellings are judged alike', () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        const hex = v4.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
        const expected = isPublicAddress(v4)
        expect(isPublicAddress(`::ffff:${v4}`)).toBe(expected)
        expect(isPublicAddress(`64:ff9b::${v4}`)).toBe(expected)
        expect(isPublicAddress(`2002:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}::1`)).toBe(expected)
      }),
    )
  })

  test('an opened network allows its addresses and no others', () => {
    const opened = cidrs('10.1.0.0/16, fd00::/8')
    expect(isAllowedAddress('10.1.2.3', opened)).toBe(true)
    expect(isAllowedAddress('::ffff:10.1.2.3', opened)).toBe(true)
    expect(isAllowedAddress('fd12::1', opened)).toBe(true)
    expect(isAllowedAddress('10.2.0.1', opened)).toBe(false)
    expect(isAllowedAddress('127.0.0.1', opened)).toBe(false)
  })

  test('an opened IPv4 network does not open it behind a NAT64 or 6to4 gateway', () => {
    const opened = cidrs('10.0.0.0/8')
    expect(isAllowedAddress('64:ff9b::10.0.0.1', opened)).toBe(false)
    expect(isAllowedAddress('2002:a00:1::1', opened)).toBe(false)
  })

  test('a list of networks may be empty', () => {
    expect(parseCidrs('')).toEqual({ ok: true, cidrs: [] })
    expect(parseCidrs(' , ')).toEqual({ ok: true, cidrs: [] })
  })

  test.each(['127.0.0.1', '127.1/8', '10.0.0.0/33', '::1/129', 'localhost/8', '10.0.0.0/8;::1/128'])(
    'the network %s is a fault that quotes it',
    (entry) => {
      const parsed = parseCidrs(`192.168.0.0/16,${entry}`)
      expect(parsed).toMatchObject({ ok: false, faults: [expect.stringContaining(`"${entry}"`)] })
    },
  )

  test('an IPv4 network in IPv6 notation is a fault, because it would never match', () => {
    expect(parseCidrs('::ffff:10.0.0.0/104')).toMatchObject({ ok: false })
  })
})

describe('callback URLs', () => {
  test('a URL comes back as the WHATWG parser serialises it', () => {
    expect(parseCallbackUrl('HTTPS://App.Example.COM:443/a b?q=ü', strict)).toEqual({
      ok: true,
      url: 'https://app.example.com/a%20b?q=%C3%BC',
      origin: 'https://app.example.com',
    })
  })

  test('the URL is always its origin followed by the path', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, validSchemes: ['https'] }), (raw) => {
        const parsed = parseCallbackUrl(raw, strict)
        if (parsed.ok) expect(parsed.url.startsWith(`${parsed.origin}/`)).toBe(true)
      }),
    )
  })

  test('no text makes it throw', () => {
    fc.assert(fc.property(fc.string(), (raw) => void parseCallbackUrl(raw, loopback)))
    fc.assert(fc.property(fc.string(), (host) => void parseCallbackUrl(`https://${host}/`, loopback)))
  })

  test('http is allowed only when insecure callbacks are', () => {
    const url = 'http://app.example.com/'
    expect(parseCallbackUrl(url, strict)).toMatchObject({ ok: false, refusal: 'blocked_url' })
    expect(parseCallbackUrl(url, { ...strict, insecure: true })).toMatchObject({ ok: true })
  })

  test.each([
    'ftp://example.com/',
    'ws://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '/hook',
    '',
  ])('"%s" is refused even when insecure callbacks are allowed', (url) =>
    expect(parseCallbackUrl(url, loopback).ok).toBe(false),
  )

  test.each(['https://a@example.com/', 'https://a:b@example.com/', 'https://:b@example.com/'])(
    '%s is refused for its userinfo',
    (url) => expect(parseCallbackUrl(url, strict)).toMatchObject({ reason: expect.stringContaining('user') }),
  )

  test.each(['https://example.com/#a', 'https://example.com/#'])('%s is refused for its fragment', (url) =>
    expect(parseCallbackUrl(url, strict)).toMatchObject({ reason: expect.stringContaining('fragment') }),
  )

  test('2,048 characters are allowed, as given and as serialised, and one more is not', () => {
    const url = `https://example.com/${'a'.repeat(2028)}`
    expect(url).toHaveLength(2048)
    expect(parseCallbackUrl(url, strict).ok).toBe(true)
    expect(parseCallbackUrl(`${url}a`, strict).ok).toBe(false)
    expect(parseCallbackUrl(`https://example.com/${'ü'.repeat(1000)}`, strict).ok).toBe(false)
  })

  test('a host has at most 253 characters, which is judged by the text alone', () => {
    const longest = `${'a.'.repeat(126)}a`
    expect(longest).toHaveLength(253)
    expect(parseCallbackUrl(`https://${longest}.:65535/`, strict).ok).toBe(true)
    expect(parseCallbackUrl(`https://${'a'.repeat(300)}/`, strict)).toMatchObject({
      reason: 'must name a host of at most 253 characters',
    })
    const host = '中'.repeat(300)
    for (const raw of [
      `https://${host}/`,
      `https:${host}`,
      `https:///${host}?x`,
      `ht\ntps:/\t\\/u:p@${host}:8/`,
      `\u0001 HTTPS:\\\\a@b@${host}#x`,
      `ws://${host}`,
    ]) {
      expect(URL.parse(raw)?.host.length, raw).toBeGreaterThan(300)
      expect(hasLongHost(raw), raw).toBe(true)
    }
    for (const raw of [
      `https://a.example/${host}`,
      `https://a.example?${host}`,
      `https://${host}@a.example/`,
    ])
      expect(hasLongHost(raw), raw).toBe(false)
  })

  test('localhost names are allowed when a loopback network is open', () => {
    for (const host of ['localhost', 'localhost.', 'LOCALHOST', 'app.localhost']) {
      expect(parseCallbackUrl(`https://${host}/`, strict).ok, host).toBe(false)
      expect(parseCallbackUrl(`https://${host}/`, loopback).ok, host).toBe(true)
    }
    const v6 = { insecure: false, privateCidrs: cidrs('::1/128') }
    expect(parseCallbackUrl('https://localhost/', v6).ok).toBe(true)
  })

  test('.local and .internal names are allowed when a network other than loopback is open', () => {
    const opened = { insecure: false, privateCidrs: cidrs('10.0.0.0/8') }
    for (const host of ['printer.local', 'metadata.google.internal', 'metadata.google.internal.']) {
      expect(parseCallbackUrl(`https://${host}/`, strict).ok, host).toBe(false)
      expect(parseCallbackUrl(`https://${host}/`, loopback).ok, host).toBe(false)
      expect(parseCallbackUrl(`https://${host}/`, opened).ok, host).toBe(true)
    }
  })

  test('a name that only ends like a private one is allowed', () => {
    for (const host of ['notlocalhost', 'mylocal.example', 'internal.example.com', 'localhost.example.com'])
      expect(parseCallbackUrl(`https://${host}/`, strict).ok, host).toBe(true)
  })
})

describe('status URLs', () => {
  const policy = { apiOrigin: 'https://api.qencode.com', hostPatterns: patterns('*.qencode.com') }

  test('an allowed one gives the origin to poll', () => {
    expect(parseStatusUrl('https://Master-1.qencode.com/v1/status', policy)).toEqual({
      ok: true,
      origin: 'https://master-1.qencode.com',
    })
  })

  test.each([
    'http://master-1.qencode.com/v1/status',
    'https://master-1.qencode.com/v1/status/',
    'https://master-1.qencode.com/v1/other',
    'https://master-1.qencode.com/v1/status?a=1',
    'https://master-1.qencode.com/v1/status?',
    'https://master-1.qencode.com/v1/status#',
    'https://a:b@master-1.qencode.com/v1/status',
    'https://master-1.qencode.com:8443/v1/status',
    'https://qencode.com/v1/status',
    'https://evilqencode.com/v1/status',
    'https://master-1.qencode.com.evil.example/v1/status',
    'https://evil.example\\@master-1.qencode.com/v1/status',
    'https://127.0.0.1/v1/status',
    'not a url',
  ])('%s is refused with a reason', (url) => {
    expect(parseStatusUrl(url, policy)).toEqual({ ok: false, reason: expect.any(String) })
  })

  test('the API host is allowed by its exact origin without a pattern', () => {
    const api = { apiOrigin: 'http://127.0.0.1:9000', hostPatterns: [] }
    expect(parseStatusUrl('http://127.0.0.1:9000/v1/status', api).ok).toBe(true)
    expect(parseStatusUrl('http://127.0.0.1:9001/v1/status', api).ok).toBe(false)
    expect(parseStatusUrl('https://127.0.0.1:9000/v1/status', api).ok).toBe(false)
  })

  const allows = (list: string, url: string, apiOrigin = 'http://api.test') =>
    parseStatusUrl(`${url}/v1/status`, { apiOrigin, hostPatterns: patterns(list) }).ok

  test('*.host means any depth below it, not the host itself', () => {
    expect(allows('*.x.test', 'https://a.x.test')).toBe(true)
    expect(allows('*.x.test', 'https://a.b.x.test')).toBe(true)
    expect(allows('*.x.test', 'https://x.test')).toBe(false)
    expect(allows('*.x.test', 'https://.x.test')).toBe(false)
  })

  test('a pattern without a port matches the default port of either scheme only', () => {
    expect(allows('a.test', 'https://a.test')).toBe(true)
    expect(allows('a.test', 'http://a.test:80')).toBe(true)
    expect(allows('a.test', 'http://a.test:443')).toBe(false)
    expect(allows('a.test', 'https://a.test:8443')).toBe(false)
  })

  test('host:port matches that port, host:* any', () => {
    expect(allows('a.test:8443', 'https://a.test:8443')).toBe(true)
    expect(allows('a.test:8443', 'https://a.test')).toBe(false)
    expect(allows('a.test:443', 'https://a.test')).toBe(true)
    expect(allows('a.test:443', 'http://a.test')).toBe(false)
    expect(allows('*.a.test:*', 'http://m.a.test:1234')).toBe(true)
    expect(allows('[::1]:*', 'http://[::1]:1234')).toBe(true)
    expect(allows('127.0.0.1:*', 'http://127.0.0.1:1234')).toBe(true)
  })

  test('patterns are trimmed, lower-cased and written in ASCII', () => {
    expect(patterns(' *.Qencode.COM , bücher.example:* ')).toEqual([
      { host: 'qencode.com', below: true, port: null },
      { host: 'xn--bcher-kva.example', below: false, port: '*' },
    ])
  })

  test.each(['https://a.test', 'a.test/v1', '*', '*.', 'a.*.test', 'a.test:0', 'a.test:65536', 'a.test:x'])(
    'the pattern %s is a fault that quotes it',
    (entry) =>
      expect(parseHostPatterns(entry)).toMatchObject({ faults: [expect.stringContaining(`"${entry}"`)] }),
  )

  test.each([
    '1\n2!',
    'qencode!.com',
    'a;b.test',
    'a..test',
    'u@a.test',
    '*.127.0.0.1',
    '*.[::1]',
    '[::z]',
    'a..b:1:2',
  ])('so is %s', (entry) => expect(parseHostPatterns(entry).ok).toBe(false))
})
