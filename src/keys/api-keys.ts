/**
 * Which owner an API key belongs to. Holds hashes only, so that a memory dump or a log of the configuration
 * shows no key. Does not know headers or requests.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

export interface ApiKeyEntry {
  owner: string
  /** 64 hex digits: `hashApiKey` of the key, or what stands after `sha256:` in the configuration. */
  sha256Hex: string
}

/** SHA-256 without salt or stretching is enough: keys are long and random, not chosen by people. */
export function hashApiKey(key: string): string {
  return bytesToHex(sha256OfText(key))
}

/**
 * @param entries an owner may have several keys
 * @param digest SHA-256 of a text in UTF-8, where the runtime has a faster one
 * @returns a function from a presented key to its owner's name, null for an unknown key
 * @throws when an entry's hash is not 64 hex digits
 */
export function createAuthenticator(
  entries: readonly ApiKeyEntry[],
  digest: (text: string) => Uint8Array = sha256OfText,
): (key: string) => string | null {
  const known = entries.map(({ owner, sha256Hex }) => {
    const hash = hexToBytes(sha256Hex.toLowerCase())
    if (hash.length !== 32) throw new Error(`an API key of ${owner} is not a SHA-256 in hex`)
    return { owner, hash }
  })
  return (key) => {
    const presented = digest(key)
    let owner: string | null = null
    // Every entry is compared to its last byte: the time must not tell how near a guess was, or to whose key.
    for (const entry of known) if (equalBytes(presented, entry.hash)) owner ??= entry.owner
    return owner
  }
}

function sha256OfText(text: string): Uint8Array {
  return sha256(new TextEncoder().encode(text))
}

/** Of equal length; no early exit. */
function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
