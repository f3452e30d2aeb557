/**
 * The relay's ed25519 signing key, POLLHOOK_SIGNING_KEY: is it sound, and how does the world see its public
 * half? Signing itself is in `net`.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeBase64Url } from '../core/base64.ts'
import { parseSigningKey, pkcs8OfSeed, type SigningKey } from '../core/signature.ts'

/** A public ed25519 key (RFC 8037 §2). */
interface PublicJwk {
  kty: 'OKP'
  crv: 'Ed25519'
  x: string
  use: 'sig'
  alg: 'EdDSA'
  /** The key's thumbprint (RFC 7638), so that a new key is never taken for the old one. */
  kid: string
}

/**
 * Reads `whsk_…` and derives the public half anew: with a wrong one, the published key would verify nothing.
 * @returns null when the text cannot be read or its halves do not belong together
 */
export async function loadSigningKey(text: string): Promise<SigningKey | null> {
  const key = parseSigningKey(text)
  if (key === null) return null
  return (await publicKeyText(key.seed)) === encodeBase64Url(key.publicKey) ? key : null
}

/** Why a start is refused with a key whose text can be read, and that is not loaded all the same. */
export const unsoundSigningKey =
  'POLLHOOK_SIGNING_KEY has a public half that does not belong to its seed; for example POLLHOOK_SIGNING_KEY=<output of: pollhook keys signing>'

/** The body of `/.well-known/jwks.json`. */
export function jwksOf(key: SigningKey): { keys: PublicJwk[] } {
  const x = encodeBase64Url(key.publicKey)
  // RFC 7638 §3.2 and RFC 8037 §2: the required members in lexicographic order, without white space.
  const thumbprint = sha256(new TextEncoder().encode(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`))
  const kid = encodeBase64Url(thumbprint)
  return { keys: [{ kty: 'OKP', crv: 'Ed25519', x, use: 'sig', alg: 'EdDSA', kid }] }
}

/**
 * The same of POLLHOOK_SIGNING_KEY, where there is one.
 * @throws when its halves do not belong together: every webhook would have a signature that nobody can verify
 */
export async function publishedKeys(text: string | null): Promise<{ keys: PublicJwk[] } | null> {
  if (text === null) return null
  const key = await loadSigningKey(text)
  if (key === null) throw new Error(unsoundSigningKey)
  return jwksOf(key)
}

/** WebCrypto derives the public key when it exports a private one. */
async function publicKeyText(seed: Uint8Array): Promise<string | undefined> {
  const key = await crypto.subtle.importKey('pkcs8', pkcs8OfSeed(seed), 'Ed25519', true, ['sign'])
  return (await crypto.subtle.exportKey('jwk', key)).x
}
