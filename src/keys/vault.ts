/**
 * Encrypts a subscription's own signing secret at rest: AES-256-GCM, bound to the subscription, under any of
 * several POLLHOOK_SECRETs so that they can be replaced. Does not know where the text is kept.
 */
import { gcm } from '@noble/ciphers/aes.js'
import { decodeBase64, encodeBase64 } from '../core/base64.ts'
import type { RotatingVault } from '../ports.ts'
import { databaseFingerprint, deriveVaultKey } from './derive.ts'

interface VaultKey {
  /** Tells keys apart; two secrets with one id (1 in 4 billion) are both tried. */
  id: string
  key: Uint8Array
}

/** NIST SP 800-38D §8.2.2: random 96-bit nonces are safe for 2^32 seals under one key. */
const nonceBytes = 12
const encoder = new TextEncoder()

/**
 * A sealed secret is `<8 hex key id>.<base64 of nonce, ciphertext and tag>`.
 * @param secrets POLLHOOK_SECRET, newest first, at least one: the first seals, all open
 * @param randomBytes cryptographically strong
 */
export function createVault(
  secrets: readonly Uint8Array[],
  randomBytes: (bytes: number) => Uint8Array,
): RotatingVault {
  const keys: VaultKey[] = secrets.map((secret) => ({
    id: databaseFingerprint(secret).slice(0, 8),
    key: deriveVaultKey(secret),
  }))
  const newest = keys[0]
  if (newest === undefined) throw new Error('a vault needs at least one secret')
  return {
    seal(subscriptionId, secret) {
      const nonce = randomBytes(nonceBytes)
      const cipher = gcm(newest.key, nonce, encoder.encode(subscriptionId))
      const sealed = cipher.encrypt(encoder.encode(secret))
      return `${newest.id}.${encodeBase64(Uint8Array.from([...nonce, ...sealed]))}`
    },
    open(subscriptionId, sealed) {
      const id = sealed.slice(0, sealed.indexOf('.'))
      const bytes = decodeBase64(sealed.slice(id.length + 1)) ?? new Uint8Array()
      for (const candidate of keys) {
        const opened = candidate.id === id ? unseal(candidate.key, subscriptionId, bytes) : null
        if (opened !== null) return opened
      }
      throw new Error(`no configured POLLHOOK_SECRET opens the secret of ${subscriptionId}`)
    },
    isSealedByNewest: (sealed) => sealed.startsWith(`${newest.id}.`),
  }
}

/** Null when the key, the subscription or a single bit is not what it was. */
function unseal(key: Uint8Array, subscriptionId: string, bytes: Uint8Array): string | null {
  try {
    const cipher = gcm(key, bytes.subarray(0, nonceBytes), encoder.encode(subscriptionId))
    return new TextDecoder().decode(cipher.decrypt(bytes.subarray(nonceBytes)))
  } catch {
    return null
  }
}
