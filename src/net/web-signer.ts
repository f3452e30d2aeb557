/**
 * Signs webhooks with WebCrypto, for runtimes without node:crypto. A CryptoKey per secret is kept, as
 * importing one costs more than the HMAC.
 */
import { encodeBase64 } from '../core/base64.ts'
import { boundedCache } from '../core/bounded-cache.ts'
import { parseSigningKey, parseSigningSecret, pkcs8OfSeed, signatureHeader } from '../core/signature.ts'
import type { Signer } from '../ports.ts'

const keysMax = 10_000
const encoder = new TextEncoder()

/**
 * @param options.signingKey `whsk_…`: every signature also has a `v1a` part
 * @throws when `signingKey` cannot be read; `sign` rejects on a secret that `parseSigningSecret` refuses
 */
export function createWebSigner(options: { signingKey?: string | undefined }): Signer {
  const keyOf = boundedCache(keysMax, hmacKey)
  const seed = options.signingKey === undefined ? null : seedOf(options.signingKey)
  // Imported at the first signature: a Worker's global scope may not start asynchronous work.
  const privateKeyOf = boundedCache(1, () => ed25519Key(seed ?? new Uint8Array(32)))
  return {
    async sign(secrets, content) {
      const data = encoder.encode(content)
      const parts = secrets.map(async (secret) => `v1,${await signWith('HMAC', await keyOf(secret), data)}`)
      if (seed !== null)
        parts.push(privateKeyOf('').then(async (key) => `v1a,${await signWith('Ed25519', key, data)}`))
      return signatureHeader(await Promise.all(parts))
    },
  }
}

async function signWith(algorithm: string, key: CryptoKey, data: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeBase64(new Uint8Array(await crypto.subtle.sign(algorithm, key, data)))
}

function hmacKey(secret: string): Promise<CryptoKey> {
  const bytes = parseSigningSecret(secret)
  if (bytes === null) throw new Error('a signing secret is not whsec_ and base64 of 24 to 64 bytes')
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}

function ed25519Key(seed: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', pkcs8OfSeed(seed), 'Ed25519', false, ['sign'])
}

function seedOf(signingKey: string): Uint8Array {
  const halves = parseSigningKey(signingKey)
  if (halves === null) throw new Error('the signing key is not whsk_ and base64 of 64 bytes')
  return halves.seed
}
