import { createHash, hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAuthenticator, hashApiKey } from '../../src/keys/api-keys.ts'

const sha256Hex = (key: string) => createHash('sha256').update(key, 'utf8').digest('hex')

describe('an API key', () => {
  it('is hashed as sha256sum does', () => {
    const keys = fc.string({ unit: 'grapheme' })
    fc.assert(fc.property(keys, (key) => hashApiKey(key) === sha256Hex(key)))
  })

  it.each([
    ['its own hash', undefined],
    ['the hash of Node', (text: string) => hash('sha256', text, 'buffer')],
  ])('names its owner, who may have several, by %s', (_name, digest) => {
    const entries = [
      { owner: 'acme', sha256Hex: sha256Hex('first-key-of-acme-0000000') },
      { owner: 'globex', sha256Hex: sha256Hex('only-key-of-globex-000000').toUpperCase() },
      { owner: 'acme', sha256Hex: sha256Hex('second-key-of-acme-000000') },
    ]
    const ownerOf = createAuthenticator(entries, digest)
    expect(ownerOf('first-key-of-acme-0000000')).toBe('acme')
    expect(ownerOf('only-key-of-globex-000000')).toBe('globex')
    expect(ownerOf('second-key-of-acme-000000')).toBe('acme')
  })

  it.each([
    '',
    'first-key-of-acme-000000',
    'first-key-of-acme-00000000',
    'FIRST-KEY-OF-ACME-0000000',
    ' first-key-of-acme-0000000',
  ])('is not %j', (key) => {
    const ownerOf = createAuthenticator([
      { owner: 'acme', sha256Hex: sha256Hex('first-key-of-acme-0000000') },
    ])
    expect(ownerOf(key)).toBeNull()
  })

  it('cannot be replaced by its hash', () => {
    const hash = sha256Hex('first-key-of-acme-0000000')
    const ownerOf = createAuthenticator([{ owner: 'acme', sha256Hex: hash }])
    expect(ownerOf(hash)).toBeNull()
    expect(ownerOf(`sha256:${hash}`)).toBeNull()
  })

  it('is compared to the last byte of its hash', () => {
    const hash = sha256Hex('first-key-of-acme-0000000')
    const near = hash.slice(0, -1) + (hash.endsWith('0') ? '1' : '0')
    const ownerOf = createAuthenticator([{ owner: 'acme', sha256Hex: near }])
    expect(ownerOf('first-key-of-acme-0000000')).toBeNull()
  })

  it('is nobody’s when there are no keys', () => {
    expect(createAuthenticator([])('anything')).toBeNull()
  })

  it.each(['', 'abcd', 'zz'.repeat(32)])('cannot be configured as %j', (hex) => {
    expect(() => createAuthenticator([{ owner: 'acme', sha256Hex: hex }])).toThrow()
  })
})
