import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { jwksOf, loadSigningKey, publishedKeys } from '../../src/keys/signing-key.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'

/** Published by Svix together with its public half. */
const published =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const publishedPublic = '1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='

function generate(): { seed: Buffer; publicKey: Buffer } {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { seed: Buffer.from(jwk.d ?? '', 'base64url'), publicKey: Buffer.from(jwk.x ?? '', 'base64url') }
}

const whsk = (seed: Buffer, publicKey: Buffer) =>
  `whsk_${Buffer.concat([seed, publicKey]).toString('base64')}`

describe('the signing key', () => {
  it('is read with its public half', async () => {
    const key = await loadSigningKey(published)
    expect(Buffer.from(key?.publicKey ?? []).toString('base64')).toBe(publishedPublic)
  })

  it('is refused when its public half is another key’s', async () => {
    const [a, b] = [generate(), generate()]
    expect(await loadSigningKey(whsk(a.seed, a.publicKey))).not.toBeNull()
    expect(await loadSigningKey(whsk(a.seed, b.publicKey))).toBeNull()
    expect(await loadSigningKey(whsk(a.publicKey, a.seed))).toBeNull()
    await expect(publishedKeys(whsk(a.seed, b.publicKey))).rejects.toThrow(
      'POLLHOOK_SIGNING_KEY has a public',
    )
    expect(await publishedKeys(whsk(a.seed, a.publicKey))).toMatchObject({ keys: [{ crv: 'Ed25519' }] })
    expect(await publishedKeys(null)).toBeNull()
  })

  it.each(['', 'whsk_', published.replace('whsk_', 'whsec_'), published.slice(0, -4), `${published} `])(
    'is refused as %j',
    async (text) => {
      expect(await loadSigningKey(text)).toBeNull()
    },
  )

  it('is published as a JSON Web Key that verifies what the signer signs', async () => {
    const key = await loadSigningKey(published)
    if (key === null) throw new Error('the published key is sound')
    const { keys } = jwksOf(key)
    const jwk = { kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA' }
    expect(keys).toEqual([
      { ...jwk, x: Buffer.from(publishedPublic, 'base64').toString('base64url'), kid: expect.any(String) },
    ])
    const header = await createNodeSigner({ signingKey: published }).sign([], 'msg_1.1.{}')
    const signature = Buffer.from(header.slice('v1a,'.length), 'base64')
    expect(
      verify(
        null,
        Buffer.from('msg_1.1.{}'),
        createPublicKey({ key: { ...keys[0] }, format: 'jwk' }),
        signature,
      ),
    ).toBe(true)
    expect(JSON.stringify(keys)).not.toContain(Buffer.from(key.seed).toString('base64url'))
  })

  it('is named by its RFC 7638 thumbprint', () => {
    // RFC 8037 appendix A.3 gives this key and this thumbprint.
    const publicKey = Uint8Array.from(Buffer.from('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', 'base64url'))
    const { keys } = jwksOf({ seed: new Uint8Array(32), publicKey })
    expect(keys[0]?.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })
})
