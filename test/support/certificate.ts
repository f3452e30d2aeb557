/** A self-signed certificate made on the spot (RFC 5280 in DER), so that no key is ever kept in the project. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  /** PEM. */
  cert: string
  key: string
}

/** Valid from yesterday to tomorrow, its own authority, for the one DNS name. */
export function selfSigned(dnsName: string, now = Date.now()): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(oid.commonName, der(0x0c, Buffer.from(dnsName)))))
  const day = 86_400_000
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    sequence(oid.ecdsaWithSha256),
    name,
    sequence(utcTime(now - day), utcTime(now + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(authority(), alternativeName(dnsName))),
  )
  const signature = sign('sha256', tbs, privateKey)
  const whole = sequence(
    tbs,
    sequence(oid.ecdsaWithSha256),
    der(0x03, Buffer.concat([Buffer.from([0]), signature])),
  )
  const lines = whole
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const oid = {
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
  commonName: Buffer.from('0603550403', 'hex'),
  subjectAltName: Buffer.from('0603551d11', 'hex'),
  basicConstraints: Buffer.from('0603551d13', 'hex'),
}

function authority(): Buffer {
  const isAuthority = der(0x01, Buffer.from([0xff]))
  return sequence(oid.basicConstraints, isAuthority, der(0x04, sequence(isAuthority)))
}

function alternativeName(dnsName: string): Buffer {
  return sequence(oid.subjectAltName, der(0x04, sequence(der(0x82, Buffer.from(dnsName)))))
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function set(...parts: Buffer[]): Buffer {
  return der(0x31, Buffer.concat(parts))
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
