/**
 * Signs webhooks with node:crypto. A KeyObject per secret is kept: making one from a Buffer for each HMAC
 * costs several times the HMAC (DESIGN §4).
 */
import { createHmac, createPrivateKey, createSecretKey, type KeyObject, sign } from 'node:crypto'
import { boundedCache } from '../../core/bounded-cache.ts'
import { parseSigningKey, parseSigningSecret, pkcs8OfSeed, signatureHeader } from '../../core/signature.ts'
import type { Signer } from '../../ports.ts'

/** Owners' secrets and own secrets of busy subscriptions; one entry is well under 1 KiB. */
const keysMax = 10_000

/**
 * @param options.signingKey `whsk_…`: every signature also has a `v1a` part
 * @throws when `signingKey` cannot be read; `sign` throws on a secret that `parseSigningSecret` refuses
 */
export function createNodeSigner(options: { signingKey?: string | undefined }): Signer {
  const keyOf = boundedCache(keysMax, hmacKey)
  const privateKey = options.signingKey === undefined ? null : ed25519Key(options.signingKey)
  return {
    sign(secrets, content) {
      const parts = secrets.map((secret) => {
        const mac = createHmac('sha256', keyOf(secret)).update(content, 'utf8')
        return `v1,${mac.digest('base64')}`
      })
      if (privateKey !== null) {
        parts.push(`v1a,${sign(null, Buffer.from(content, 'utf8'), privateKey).toString('base64')}`)
      }
      return signatureHeader(parts)
    },
  }
}

function hmacKey(secret: string): KeyObject {
  const bytes = parseSigningSecret(secret)
  if (bytes === null) throw new Error('a signing secret is not whsec_ and base64 of 24 to 64 bytes')
  return createSecretKey(bytes)
}

function ed25519Key(signingKey: string): KeyObject {
  const halves = parseSigningKey(signingKey)
  if (halves === null) throw new Error('the signing key is not whsk_ and base64 of 64 bytes')
  return createPrivateKey({ key: Buffer.from(pkcs8OfSeed(halves.seed)), format: 'der', type: 'pkcs8' })
}
