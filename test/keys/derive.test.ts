import { hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createSigningSecrets,
  databaseFingerprint,
  deriveCookieKey,
  deriveVaultKey,
} from '../../src/keys/derive.ts'

const secret = Uint8Array.from({ length: 32 }, (_, index) => index)
const older = new Uint8Array(48).fill(0xa5)

/** Of one POLLHOOK_SECRET. */
function signingSecret(of: Uint8Array, owner: string, n: number): string {
  const [only, ...more] = createSigningSecrets([of])(owner, n)
  expect(more).toEqual([])
  return only!
}

/** The contract's words, by another implementation. */
function expected(ikm: Uint8Array, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', ikm, new Uint8Array(), info, bytes))
}

describe('what is derived from POLLHOOK_SECRET', () => {
  // Receivers hold these results: a change here breaks every signature check in the field.
  it('never changes', () => {
    expect(signingSecret(secret, 'acme', 1)).toBe('whsec_hzXN3HE5xmDcBy1KsM+x8Px6Pp8nbucEz1rfoZ5zprU=')
    expect(signingSecret(secret, 'acme', 2)).toBe('whsec_oxmnYfHvLa2oU2mqt50FKcPh31/gkREn8wGXLoaqmOg=')
    expect(signingSecret(older, 'a-b_c', 10)).toBe('whsec_ml9QX1lhQeV2l+WQY/po4i0T6a65hX6+nTMmneh6KWg=')
    expect(Buffer.from(deriveVaultKey(secret)).toString('hex')).toBe(
      'b69aee2757e970363a9f8f73b3765e52dc6f814907d0f6dfe964491a83f30283',
    )
    expect(Buffer.from(deriveCookieKey(secret)).toString('hex')).toBe(
      '3f365d74661df12c480ae5304aec98ca1d90aaf90d938685f8f069f804381410',
    )
    expect(databaseFingerprint(secret)).toBe('de0375ed40b9de7d846a7693e420f6a3')
  })

  it('is HKDF-SHA-256 with an empty salt and the info of the contract', () => {
    const secrets = fc.uint8Array({ minLength: 32, maxLength: 100 })
    fc.assert(
      fc.property(
        secrets,
        fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,31}$/),
        fc.integer({ min: 1 }),
        (ikm, owner, n) => {
          const signing = expected(ikm, `pollhook/signing/${owner}/${n}`, 32).toString('base64')
          expect(signingSecret(ikm, owner, n)).toBe(`whsec_${signing}`)
          expect(Buffer.from(deriveVaultKey(ikm))).toEqual(expected(ikm, 'pollhook/vault', 32))
          expect(Buffer.from(deriveCookieKey(ikm))).toEqual(expected(ikm, 'pollhook/cookie', 32))
          expect(databaseFingerprint(ikm)).toBe(expected(ikm, 'pollhook/database', 16).toString('hex'))
        },
      ),
    )
  })
})

describe('the signing secrets of an owner', () => {
  it('come under every POLLHOOK_SECRET, newest first, the same each time', () => {
    const signingSecrets = createSigningSecrets([secret, older])
    const both = [signingSecret(secret, 'acme', 3), signingSecret(older, 'acme', 3)]
    expect(signingSecrets('acme', 3)).toEqual(both)
    expect(signingSecrets('acme', 3)).toEqual(both)
    expect(signingSecrets('acme', 4)).not.toEqual(both)
    expect(signingSecrets('acm', 3)).not.toEqual(both)
  })
})
