import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { signedContent } from '../../src/core/signature.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import { createWebSigner } from '../../src/net/web-signer.ts'

/** Published vectors of the Standard Webhooks reference libraries and of Svix. */
const hmacVectors = [
  {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1614265330,
    payload: '{"test": 2432232314}',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  {
    secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
    timestamp: 1649367553,
    payload: '{"email":"test@example.com","username":"test_user"}',
    signature: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
  },
] as const
const keyVector = {
  signingKey: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  payload: '{"test": 2432232314}',
  signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
}
const content = (vector: { id: string; timestamp: number; payload: string }) =>
  signedContent(vector.id, vector.timestamp, vector.payload)

const signers = [
  { runtime: 'Node', create: createNodeSigner },
  { runtime: 'WebCrypto', create: createWebSigner },
]

describe.each(signers)('the signer on $runtime', ({ create }) => {
  it.each(hmacVectors)('gives the published signature of $id', async (vector) => {
    expect(await create({}).sign([vector.secret], content(vector))).toBe(vector.signature)
  })

  it('gives the published ed25519 signature', async () => {
    const signer = create({ signingKey: keyVector.signingKey })
    expect(await signer.sign([], content(keyVector))).toBe(keyVector.signature)
    expect(await signer.sign([], content(keyVector))).toBe(keyVector.signature)
  })

  it('signs under every secret in order, then with the key', async () => {
    const signer = create({ signingKey: keyVector.signingKey })
    const [first, second] = hmacVectors
    const text = content(first)
    const header = await signer.sign([second.secret, first.secret], text)
    const underSecond = createHmac('sha256', Buffer.from(second.secret.slice(6), 'base64'))
      .update(text)
      .digest('base64')
    expect(header).toBe(`v1,${underSecond} ${first.signature} ${keyVector.signature}`)
  })

  it('makes an ed25519 signature that a fresh public key verifies', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const jwk = privateKey.export({ format: 'jwk' })
    const halves = Buffer.concat([
      Buffer.from(jwk.d ?? '', 'base64url'),
      Buffer.from(jwk.x ?? '', 'base64url'),
    ])
    const header = await create({ signingKey: `whsk_${halves.toString('base64')}` }).sign([], 'msg_1.1.{}')
    expect(header).toMatch(/^v1a,/)
    const signature = Buffer.from(header.slice('v1a,'.length), 'base64')
    expect(
      verify(
        null,
        Buffer.from('msg_1.1.{}'),
        createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })),
        signature,
      ),
    ).toBe(true)
  })

  it('agrees with the standardwebhooks package, which also verifies it', async () => {
    const signer = create({})
    const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 })
    await fc.assert(
      fc.asyncProperty(secrets, fc.uuid(), fc.string({ unit: 'binary' }), async (bytes, id, text) => {
        const secret = `whsec_${Buffer.from(bytes).toString('base64')}`
        const at = new Date()
        const seconds = Math.floor(at.getTime() / 1000)
        const body = JSON.stringify({ text })
        const header = await signer.sign([secret], signedContent(id, seconds, body))
        expect(header).toBe(new Webhook(secret).sign(id, at, body))
        const headers = {
          'webhook-id': id,
          'webhook-timestamp': String(seconds),
          'webhook-signature': header,
        }
        expect(new Webhook(secret).verify(body, headers)).toEqual({ text })
      }),
    )
  })

  it('passes the official check under the old and the new secret during a rotation', async () => {
    const [a, b] = hmacVectors
    const seconds = Math.floor(Date.now() / 1000)
    const signature = await create({}).sign([a.secret, b.secret], signedContent('msg_1', seconds, '{}'))
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds),
      'webhook-signature': signature,
    }
    expect(new Webhook(a.secret).verify('{}', headers)).toEqual({})
    expect(new Webhook(b.secret).verify('{}', headers)).toEqual({})
    expect(() => new Webhook(a.secret).verify('{ }', headers)).toThrow()
  })

  it('refuses a secret and a key that cannot be read, without repeating them', async () => {
    expect(() => create({ signingKey: 'whsk_c2VjcmV0' })).toThrow(/^(?!.*c2VjcmV0)/)
    await expect(async () => create({}).sign(['whsec_c2VjcmV0'], 'x')).rejects.toThrow(/^(?!.*c2VjcmV0)/)
  })
})
