import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAllowedAddress, isPublicAddress, parseCidrs } from '../../src/core/address.ts'

const octet = fc.nat(255)
const v4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'))

function hexOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

function cidrs(list: string) {
  const parsed = parseCidrs(list)
  return parsed.ok ? parsed.cidrs : expect.fail(parsed.faults.join())
}

describe('a public address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'])(
    '%s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '192.0.2.1',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'ff02::1',
    '2001:db8::1',
    '4000::1',
    '::ffff:127.0.0.1',
    '::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '2002:7f00:1::',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '127.1',
    '2130706433',
    'localhost',
    '8.8.8.8 ',
    '',
  ])('is not %j', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it('inside an IPv6 one is as public as it is alone', () => {
    fc.assert(
      fc.property(v4, (address) => {
        const hex = hexOf(address)
        const alone = isPublicAddress(address)
        for (const wrapped of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`]) {
          expect(isPublicAddress(wrapped), wrapped).toBe(alone)
        }
      }),
    )
  })

  it('is never an unreadable text, and reading one never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!/^[\d.]+$/.test(text) && !text.includes(':'))
        expect(isPublicAddress(text)).toBe(false)
      }),
    )
  })
})

describe('networks that the operator opened', () => {
  it('allow what is inside them, also as v4-mapped, and nothing else', () => {
    const open = cidrs('127.0.0.0/8, ::1/128,')
    for (const address of ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1', '8.8.8.8']) {
      expect(isAllowedAddress(address, open), address).toBe(true)
    }
    for (const address of ['10.0.0.1', '::2', '128.0.0.1x', '0177.0.0.1', 'fe80::1']) {
      expect(isAllowedAddress(address, open), address).toBe(false)
    }
  })

  it('never close what is public', () => {
    fc.assert(
      fc.property(v4, (address) => {
        expect(isAllowedAddress(address, [])).toBe(isPublicAddress(address))
        if (isPublicAddress(address)) expect(isAllowedAddress(address, cidrs('10.0.0.0/8'))).toBe(true)
        expect(isAllowedAddress(address, cidrs('0.0.0.0/0'))).toBe(true)
      }),
    )
  })

  it('may be none', () => {
    expect(cidrs('')).toEqual([])
    expect(cidrs(' , ')).toEqual([])
  })

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0/8',
    'nonsense',
    '::1/129',
    '10.0.0.0/8;::1/128',
    '::ffff:10.0.0.0/104',
  ])('%j is refused by its name', (list) => {
    const parsed = parseCidrs(list)
    expect(parsed.ok ? '' : parsed.faults.join()).toContain(`"${list}"`)
  })
})
