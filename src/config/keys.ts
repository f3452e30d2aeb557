/** API keys, secrets and the signing key. What they contain never appears in a fault. */
import { decodeBase64 } from '../core/base64.ts'
import { parseSigningKey } from '../core/signature.ts'
import { type ApiKeyEntry, hashApiKey } from '../keys/api-keys.ts'
import type { Reader } from './reader.ts'

/** CONTRACT §1, POLLHOOK_API_KEYS. */
export const ownerPattern = /^[a-z0-9][a-z0-9_-]{0,31}$/
const hashPattern = /^sha256:([0-9a-f]{64})$/i
/** Visible ASCII: what stands after `Bearer ` in a header without being changed on the way. */
const bearerPattern = /^[\x21-\x7e]+$/
const keyCharsMin = 24
/** What a request may present (http/auth.ts): a longer one would be configured and never taken. */
const keyCharsMax = 512
const secretBytesMin = 32
const keysExample = 'acme=<at least 24 random characters>'
const signingKeyExample = '<output of: pollhook keys signing>'
const secretExample = '<output of: openssl rand -base64 32>'

export function readApiKeys(read: Reader): ApiKeyEntry[] {
  const name = 'POLLHOOK_API_KEYS'
  const text = read.raw(name)
  if (text === undefined) {
    read.fault(name, 'is not set: it lists who may use the API', keysExample)
    return []
  }
  const entries: ApiKeyEntry[] = []
  const ownerOfHash = new Map<string, string>()
  // Entries are counted, not named: who swaps owner and key must not read the key in a fault.
  for (const [index, pair] of text.split(',').entries()) {
    const entry = readPair(pair.trim())
    if (Array.isArray(entry)) {
      for (const problem of entry) read.fault(name, `entry ${index + 1} ${problem}`, keysExample)
    } else {
      const { owner, sha256Hex } = entry
      if ((ownerOfHash.get(sha256Hex) ?? owner) !== owner) {
        read.fault(name, `entry ${index + 1} has a key that another owner has`, keysExample)
      }
      ownerOfHash.set(sha256Hex, owner)
      entries.push(entry)
    }
  }
  return entries
}

/** @returns the entry, or all that is wrong with it */
function readPair(pair: string): ApiKeyEntry | string[] {
  const at = pair.indexOf('=')
  if (at <= 0) return ['is not an owner=key pair']
  const owner = pair.slice(0, at).trim()
  const key = pair.slice(at + 1).trim()
  const problems: string[] = []
  if (!ownerPattern.test(owner))
    problems.push('has an owner that is not 1 to 32 of a-z, 0-9, _ and -, letter or digit first')
  const hash = hashPattern.exec(key)?.[1]
  const problem = hash === undefined ? keyProblem(key) : null
  if (problem !== null) problems.push(problem)
  return problems.length > 0 ? problems : { owner, sha256Hex: hash?.toLowerCase() ?? hashApiKey(key) }
}

function keyProblem(key: string): string | null {
  if (key.startsWith('sha256:')) return 'has a sha256: that is not 64 hex digits'
  if (key.length < keyCharsMin) return `has a key of ${key.length} characters, fewer than ${keyCharsMin}`
  if (key.length > keyCharsMax) return `has a key of ${key.length} characters, more than ${keyCharsMax}`
  return bearerPattern.test(key) ? null : 'has a key with characters that no header can carry'
}

export function readSecrets(read: Reader): Uint8Array[] {
  const name = 'POLLHOOK_SECRET'
  const text = read.raw(name)
  if (text === undefined) {
    read.fault(name, 'is not set: signing secrets are derived from it', secretExample)
    return []
  }
  const secrets: Uint8Array[] = []
  for (const [index, entry] of text.split(',').entries()) {
    const bytes = decodeBase64(entry.trim())
    if (bytes === null) read.fault(name, `value ${index + 1} is not base64`, secretExample)
    else if (bytes.length < secretBytesMin) {
      read.fault(
        name,
        `value ${index + 1} has ${bytes.length} bytes, fewer than ${secretBytesMin}`,
        secretExample,
      )
    } else secrets.push(bytes)
  }
  return secrets
}

export function readSigningKey(read: Reader): string | null {
  const name = 'POLLHOOK_SIGNING_KEY'
  const text = read.raw(name)
  if (text === undefined) return null
  if (parseSigningKey(text) !== null) return text
  read.fault(
    name,
    'is not whsk_ and base64 of 64 bytes, an ed25519 seed and its public key',
    signingKeyExample,
  )
  return null
}
