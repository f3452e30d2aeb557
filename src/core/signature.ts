/**
 * The texts of Standard Webhooks 1.0: secrets and keys as written, the content that is signed, the header
 * that carries it. Computes no HMAC and no signature: that is the `Signer` port, which differs by runtime.
 */
import { decodeBase64, encodeBase64 } from './base64.ts'

const signingSecretBytesMin = 24
const signingSecretBytesMax = 64

const secretPrefix = 'whsec_'
/** Nothing longer is decoded only to be refused. */
const secretCharactersMax = secretPrefix.length + 4 * Math.ceil(signingSecretBytesMax / 3)
const keyPrefix = 'whsk_'

/** @returns the key bytes, or null unless `secret` is `whsec_` and strict base64 of 24 to 64 bytes */
export function parseSigningSecret(secret: string): Uint8Array<ArrayBuffer> | null {
  if (!secret.startsWith(secretPrefix) || secret.length > secretCharactersMax) return null
  const bytes = decodeBase64(secret.slice(secretPrefix.length))
  if (bytes === null) return null
  return bytes.length >= signingSecretBytesMin && bytes.length <= signingSecretBytesMax ? bytes : null
}

/** @param bytes 24 to 64 of them */
export function formatSigningSecret(bytes: Uint8Array): string {
  return secretPrefix + encodeBase64(bytes)
}

/** The two halves of an ed25519 `whsk_…` key, 32 bytes each. */
export interface SigningKey {
  seed: Uint8Array<ArrayBuffer>
  publicKey: Uint8Array<ArrayBuffer>
}

/**
 * @returns null unless `key` is `whsk_` and strict base64 of 64 bytes, seed before public key; whether the
 *   halves belong together is for `keys/signing-key.ts` to say
 */
export function parseSigningKey(key: string): SigningKey | null {
  if (!key.startsWith(keyPrefix)) return null
  const bytes = decodeBase64(key.slice(keyPrefix.length))
  if (bytes?.length !== 64) return null
  return { seed: bytes.slice(0, 32), publicKey: bytes.slice(32) }
}

/** What POLLHOOK_SIGNING_KEY takes. */
export function formatSigningKey({ seed, publicKey }: SigningKey): string {
  return keyPrefix + encodeBase64(Uint8Array.from([...seed, ...publicKey]))
}

/** RFC 8410 §7: everything of a PKCS #8 ed25519 key but the seed, which is all that both runtimes import. */
const pkcs8Header = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]

/** @param seed 32 bytes */
export function pkcs8OfSeed(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...pkcs8Header, ...seed])
}

/** Standard Webhooks, "Signature scheme": what is signed, with the body as the exact text that goes out. */
export function signedContent(id: string, timestampSeconds: number, body: string): string {
  return `${id}.${timestampSeconds}.${body}`
}

/** The parts of `webhook-signature` as one header value. */
export function signatureHeader(signatures: readonly string[]): string {
  return signatures.join(' ')
}
