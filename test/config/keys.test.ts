/** API keys, secrets and the signing key, of which nothing is ever repeated. */
import { describe, expect, it } from 'vitest'
import { hashApiKey } from '../../src/keys/api-keys.ts'
import { configOf, faultsOf, key, secret } from './env.ts'

describe('keys', () => {
  it('are kept as hashes, several per owner', () => {
    const hash = 'A'.repeat(64)
    const longest = 'k'.repeat(512)
    const { apiKeys } = configOf({
      POLLHOOK_API_KEYS: `acme=${key}, acme=${key}=+/, b-2=sha256:${hash}, b-2=${longest}`,
    })
    expect(apiKeys).toEqual([
      { owner: 'acme', sha256Hex: hashApiKey(key) },
      { owner: 'acme', sha256Hex: hashApiKey(`${key}=+/`) },
      { owner: 'b-2', sha256Hex: hash.toLowerCase() },
      { owner: 'b-2', sha256Hex: hashApiKey(longest) },
    ])
  })

  it.each([
    ['is not an owner=key pair', key],
    ['is not an owner=key pair', `acme=${key},`],
    ['has an owner that is not', `Acme=${key}`],
    ['has an owner that is not', `${'a'.repeat(33)}=${key}`],
    ['has a key of 23 characters', `acme=${'k'.repeat(23)}`],
    ['has a key of 513 characters, more than 512', `acme=${'k'.repeat(513)}`],
    ['has a sha256: that is not 64 hex digits', 'acme=sha256:abcdef0123456789abcdef0123456789'],
    ['no header can carry', `acme=${key} ${key}`],
    ['has a key that another owner has', `acme=${key},other=${key}`],
    ['has a key that another owner has', `acme=${key},other=sha256:${hashApiKey(key)}`],
  ])('a list that %s is a fault', (problem, text) => {
    const faults = faultsOf({ POLLHOOK_API_KEYS: text })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^POLLHOOK_API_KEYS entry \d /)
    expect(faults[0]).toContain(problem)
  })

  it('with a bad owner and a short key have both told at once', () => {
    const faults = faultsOf({ POLLHOOK_API_KEYS: 'Bad=short' })
    expect(faults).toHaveLength(2)
    expect(faults[0]).toContain('owner')
    expect(faults[1]).toContain('5 characters')
  })

  it('and secrets are never repeated in a fault, not even when owner and key are swapped', () => {
    const secretive = {
      POLLHOOK_API_KEYS: 'swapped-key-0123456789abcdef=acme,acme=too-short-a-key',
      POLLHOOK_SECRET: `c2hvcnQtc2VjcmV0,!not-base64-secret!`,
      POLLHOOK_SIGNING_KEY: 'whsk_c2VjcmV0',
      POLLHOOK_UPSTREAM_URL: 'https://user:password@api.qencode.com',
    }
    const faults = faultsOf(secretive).join('\n')
    expect(faults.split('\n')).toHaveLength(6)
    for (const part of ['swapped-key', 'too-short', 'c2hv', 'not-base64-secret', 'c2VjcmV0', 'password']) {
      expect(faults).not.toContain(part)
    }
  })
})

describe('secrets', () => {
  it('are bytes, newest first', () => {
    const older = Buffer.alloc(48, 9)
    expect(configOf({ POLLHOOK_SECRET: `${secret},${older.toString('base64')}` }).secrets).toEqual([
      new Uint8Array(32).fill(7),
      new Uint8Array(older),
    ])
  })

  it.each([
    ['value 1 is not base64', 'no base64'],
    ['value 2 has 0 bytes', `${secret},`],
    ['value 1 has 31 bytes', Buffer.alloc(31).toString('base64')],
  ])('%s is a fault', (problem, text) => {
    expect(faultsOf({ POLLHOOK_SECRET: text })).toEqual([
      expect.stringMatching(new RegExp(`^POLLHOOK_SECRET ${problem}`)),
    ])
  })

  it('of the ed25519 kind have a seed and a public key', () => {
    const signingKey = `whsk_${Buffer.alloc(64, 1).toString('base64')}`
    expect(configOf({ POLLHOOK_SIGNING_KEY: signingKey }).signingKey).toBe(signingKey)
    expect(faultsOf({ POLLHOOK_SIGNING_KEY: `whsk_${secret}` })).toHaveLength(1)
  })
})
