import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { decodeBase64, encodeBase64, encodeBase64Url } from '../../src/core/base64.ts'
import { boundedCache } from '../../src/core/bounded-cache.ts'
import {
  formatSigningSecret,
  parseSigningKey,
  parseSigningSecret,
  signatureHeader,
  signedContent,
} from '../../src/core/signature.ts'

const bytesOf = (length: number) => new Uint8Array(length).fill(7)
const whsec = (length: number) => `whsec_${Buffer.alloc(length, 7).toString('base64')}`

describe('a signing secret', () => {
  it('is 24 to 64 bytes', () => {
    expect(parseSigningSecret(whsec(24))).toEqual(bytesOf(24))
    expect(parseSigningSecret(whsec(64))).toEqual(bytesOf(64))
    expect(parseSigningSecret(whsec(23))).toBeNull()
    expect(parseSigningSecret(whsec(65))).toBeNull()
  })

  it.each([
    '',
    'whsec_',
    whsec(32).slice('whsec_'.length),
    whsec(32).replace('whsec_', 'WHSEC_'),
    whsec(32).replace('=', ''),
    `${whsec(32)}\n`,
    whsec(32).replace('B', ' '),
    whsec(30).replace('B', '-'),
    // 32 bytes whose last character carries pad bits that are not zero.
    whsec(32).replace('c=', 'd='),
  ])('is not %j', (text) => {
    expect(parseSigningSecret(text)).toBeNull()
  })

  it('is never decoded when it is too long', () => {
    const decode = vi.spyOn(globalThis, 'atob')
    expect(parseSigningSecret(whsec(67))).toBeNull()
    expect(decode).not.toHaveBeenCalled()
    decode.mockRestore()
  })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (bytes) => {
        expect(parseSigningSecret(formatSigningSecret(bytes))).toEqual(bytes)
      }),
    )
  })
})

describe('a signing key', () => {
  it('is a seed and a public key', () => {
    const text = `whsk_${Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]).toString('base64')}`
    expect(parseSigningKey(text)).toEqual({
      seed: new Uint8Array(32).fill(1),
      publicKey: new Uint8Array(32).fill(2),
    })
  })

  it.each(['whsk_', `whsk_${Buffer.alloc(32).toString('base64')}`, whsec(64), 'whsk_%%%%'])(
    'is not %j',
    (text) => {
      expect(parseSigningKey(text)).toBeNull()
    },
  )
})

describe('base64', () => {
  it('agrees with Node both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(encodeBase64(bytes)).toBe(text)
        expect(decodeBase64(text)).toEqual(bytes)
        expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
      }),
    )
  })

  it('takes any text without throwing, and only one text per value', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String())
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = decodeBase64(text)
        if (bytes !== null) expect(encodeBase64(bytes)).toBe(text)
      }),
    )
  })
})

describe('the signed content and its header', () => {
  it('join id, seconds and body with full stops', () => {
    expect(signedContent('msg_1', 1614265330, '{"a":1}')).toBe('msg_1.1614265330.{"a":1}')
  })

  it('join the signatures with spaces', () => {
    expect(signatureHeader(['v1,aaa=', 'v1,bbb=', 'v1a,ccc='])).toBe('v1,aaa= v1,bbb= v1a,ccc=')
  })
})

describe('a bounded cache', () => {
  it('makes a value once and forgets what was used longest ago', () => {
    const made: string[] = []
    const get = boundedCache(2, (key) => made.push(key))
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) get(key)
    expect(made).toEqual(['a', 'b', 'c', 'b'])
  })

  it('does not remember a failure', () => {
    let calls = 0
    const get = boundedCache(2, () => {
      calls += 1
      if (calls === 1) throw new Error('not yet')
      return calls
    })
    expect(() => get('a')).toThrow('not yet')
    expect(get('a')).toBe(2)
  })
})
