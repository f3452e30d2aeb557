/**
 * Every key that comes out of POLLHOOK_SECRET. The info strings and lengths below never change: receivers
 * hold the signing secrets, and databases hold what the other keys protect (CONTRACT §4.9).
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { boundedCache } from '../core/bounded-cache.ts'
import { formatSigningSecret } from '../core/signature.ts'

const info = {
  /** Followed by `<owner>/<n>`; an owner's name has no slash, so no two infos are alike. */
  signing: 'pollhook/signing',
  vault: 'pollhook/vault',
  cookie: 'pollhook/cookie',
  ticket: 'pollhook/ticket',
  database: 'pollhook/database',
} as const

/** Derived secrets that are kept, as each costs a few HMACs; a busy relay asks for the same few again. */
const signingSecretsMax = 10_000

/**
 * @param secrets POLLHOOK_SECRET, newest first
 * @returns the n-th signing secret of an owner under each of them, in the same order: the newest is the one to show, the
 *   others go on signing while POLLHOOK_SECRET is being replaced. Each is `whsec_` and base64 of 32 bytes; the first of an
 *   owner has number 1
 */
export function createSigningSecrets(
  secrets: readonly Uint8Array[],
): (owner: string, n: number) => readonly string[] {
  const remembered = boundedCache(signingSecretsMax, (ownerAndNumber) =>
    secrets.map((secret) => formatSigningSecret(derive(secret, `${info.signing}/${ownerAndNumber}`, 32))),
  )
  return (owner, n) => remembered(`${owner}/${n}`)
}

/** AES-256 key for what is encrypted at rest. */
export function deriveVaultKey(secret: Uint8Array): Uint8Array {
  return derive(secret, info.vault, 32)
}

/** HMAC key for the dashboard's session cookies. */
export function deriveCookieKey(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(derive(secret, info.cookie, 32))
}

/** HMAC key for the tickets by which the dashboard calls the API. */
export function deriveTicketKey(secret: Uint8Array): Uint8Array {
  return derive(secret, info.ticket, 32)
}

/**
 * Kept in the database to notice one that was made under another POLLHOOK_SECRET; says nothing of the secret.
 * @returns 32 hex digits
 */
export function databaseFingerprint(secret: Uint8Array): string {
  return bytesToHex(derive(secret, info.database, 16))
}

/** RFC 5869 with an empty salt. */
function derive(secret: Uint8Array, infoText: string, bytes: number): Uint8Array {
  return hkdf(sha256, secret, undefined, new TextEncoder().encode(infoText), bytes)
}
