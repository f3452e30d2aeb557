/**
 * What a dashboard session is bound to, and the short-lived tickets by which the dashboard calls the API for
 * its owner. Knows no cookies and no requests.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Clock } from '../ports.ts'
import { type ApiKeyEntry, createAuthenticator, hashApiKey } from './api-keys.ts'
import { deriveCookieKey, deriveTicketKey } from './derive.ts'

/** Who logged in, and with which of its keys. */
export interface Session {
  owner: string
  /** 32 hex digits that tell keys apart and say nothing of them. */
  keyPrint: string
}

export interface Sessions {
  /** HMAC keys for cookies, one for each POLLHOOK_SECRET, newest first: the first signs, all verify. */
  cookieKeys: readonly Uint8Array<ArrayBuffer>[]
  /** Null for an unknown key. */
  open(key: string): Session | null
  /** False once the key was taken out of the configuration. */
  isValid(session: Session): boolean
  /** A bearer credential for one call of the API. */
  ticket(owner: string): string
  /** Null for what is no ticket, or an old one. */
  ownerOf(ticket: string): string | null
}

/** Long enough for a call on its way to another machine; an event stream needs it only to open. */
const ticketMs = 60_000
const ticketPattern = /^(pht_([a-z0-9_-]{1,32})\.(\d{1,15}))\.([0-9a-f]{64})$/

/** @param secrets POLLHOOK_SECRET, newest first, at least one */
export function createSessions(
  { apiKeys, secrets }: { apiKeys: readonly ApiKeyEntry[]; secrets: readonly Uint8Array[] },
  now: Clock,
): Sessions {
  const authenticate = createAuthenticator(apiKeys)
  const known = new Set(apiKeys.map(({ owner, sha256Hex }) => `${owner}.${printOf(sha256Hex)}`))
  const ticketKeys = secrets.map(deriveTicketKey)
  const newest = ticketKeys[0]
  if (newest === undefined) throw new Error('sessions need at least one secret')
  const mac = (key: Uint8Array, text: string) => bytesToHex(hmac(sha256, key, encoder.encode(text)))
  return {
    cookieKeys: secrets.map(deriveCookieKey),
    open(key) {
      const owner = authenticate(key)
      return owner === null ? null : { owner, keyPrint: printOf(hashApiKey(key)) }
    },
    isValid: ({ owner, keyPrint }) => known.has(`${owner}.${keyPrint}`),
    ticket(owner) {
      const text = `pht_${owner}.${now() + ticketMs}`
      return `${text}.${mac(newest, text)}`
    },
    ownerOf(ticket) {
      const [, text = '', owner = '', until = '', given = ''] = ticketPattern.exec(ticket) ?? []
      if (owner === '' || Number(until) < now()) return null
      return ticketKeys.some((key) => equalText(mac(key, text), given)) ? owner : null
    },
  }
}

const encoder = new TextEncoder()

/** Hashed once more: the hash of a key stands in configurations and need not travel. */
function printOf(sha256Hex: string): string {
  return bytesToHex(sha256(encoder.encode(`pollhook/session/${sha256Hex.toLowerCase()}`))).slice(0, 32)
}

/** Of equal length; no early exit. */
function equalText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
