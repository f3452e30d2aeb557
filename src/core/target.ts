/**
 * Which URLs Pollhook may be pointed at: callback URLs (CONTRACT §2 "Registering") and upstream status URLs
 * (CONTRACT §1 POLLHOOK_UPSTREAM_HOSTS). Judges the text alone; what a name resolves to is checked at connect time.
 */
import { type Cidr, isAllowedAddress } from './address.ts'
import type { RefusalCode } from './outcome.ts'

export interface CallbackPolicy {
  /** POLLHOOK_INSECURE_CALLBACKS: also allow `http://`. */
  insecure: boolean
  /** POLLHOOK_PRIVATE_CALLBACKS. */
  privateCidrs: readonly Cidr[]
}

export type ParsedCallbackUrl =
  /** `url` as the WHATWG parser serialises it, always `origin` followed by path and query. */
  | { ok: true; url: string; origin: string }
  /** `reason` is a sentence for the owner; `refusal` is what an attempt to such a URL ends with. */
  | { ok: false; refusal: RefusalCode; reason: string }

export interface StatusPolicy {
  /** The origin of POLLHOOK_UPSTREAM_URL as `URL.origin` gives it. */
  apiOrigin: string
  hostPatterns: readonly HostPattern[]
}

export type ParsedStatusUrl =
  /** Where the task is polled. */
  { ok: true; origin: string } | { ok: false; reason: string }

/** One entry of POLLHOOK_UPSTREAM_HOSTS. */
export interface HostPattern {
  /** Lower case, without the `*.`. */
  host: string
  /** True for `*.host`: any name below it, at any depth, but not the host itself. */
  below: boolean
  /** Null: the default port of the scheme only. `*`: any. */
  port: string | null
}

export type ParsedHostPatterns = { ok: true; patterns: HostPattern[] } | { ok: false; faults: string[] }

/** Of callback and status URLs, as given and as serialised. */
export const urlCharactersMax = 2048
/** No longer name is in the DNS (RFC 1035 §2.3.4). */
const hostCharactersMax = 253
/** The name with a trailing dot and a port. */
const hostTextMax = hostCharactersMax + '.:65535'.length

/**
 * Checks a callback URL against CONTRACT §2: https unless insecure, no userinfo, no fragment, at most 2,048
 * characters, and no host that is private by address or by name.
 */
export function parseCallbackUrl(raw: string, policy: CallbackPolicy): ParsedCallbackUrl {
  const url = parseUrl(raw)
  if (url === null) return refuse('blocked_url', unparsable(raw))
  const fault = userinfoFault(url) ?? fragmentFault(url)
  if (fault !== null) return refuse('blocked_url', fault)
  const scheme = schemeFault(url, policy)
  if (scheme !== null && url.protocol !== 'http:') return refuse('blocked_url', scheme)
  const name = hostNameFault(url.hostname, policy.privateCidrs)
  const host = name ?? addressFault(url.hostname, policy.privateCidrs)
  // Both are told: whoever tries a receiver of their own machine needs both settings.
  const reason = [scheme, host].filter((one) => one !== null).join(', and ')
  if (reason !== '')
    return refuse(scheme === null && name === null ? 'blocked_address' : 'blocked_url', reason)
  return { ok: true, url: url.href, origin: url.origin }
}

/** The origin of a callback URL that was allowed: as it is serialised, what stands before its path. */
export function originOf(callbackUrl: string): string {
  return callbackUrl.slice(0, callbackUrl.indexOf('/', 'https://'.length))
}

/**
 * Checks a `status_url`: https unless the API host itself is http, path `/v1/status`, no userinfo, query or
 * fragment, and a host that is the API host or matches a pattern.
 */
export function parseStatusUrl(raw: string, policy: StatusPolicy): ParsedStatusUrl {
  const url = parseUrl(raw)
  if (url === null) return { ok: false, reason: unparsable(raw) }
  const reason = statusFault(url, policy)
  return reason === null ? { ok: true, origin: url.origin } : { ok: false, reason }
}

/**
 * Reads a comma-separated list of `host`, `*.host`, `host:port` and `host:*`.
 * @returns the patterns, or each fault as a sentence that quotes the entry
 */
export function parseHostPatterns(list: string): ParsedHostPatterns {
  const patterns: HostPattern[] = []
  const faults: string[] = []
  for (const entry of list.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const pattern = parseHostPattern(entry)
    if (typeof pattern === 'string') faults.push(`"${entry}" ${pattern}`)
    else patterns.push(pattern)
  }
  return faults.length === 0 ? { ok: true, patterns } : { ok: false, faults }
}

function refuse(refusal: RefusalCode, reason: string): ParsedCallbackUrl {
  return { ok: false, refusal, reason }
}

/** Null also for a URL that is too long, or whose host is. */
export function parseUrl(raw: string): URL | null {
  if (raw.length > urlCharactersMax || hasLongHost(raw)) return null
  const url = URL.parse(raw)
  return url !== null && url.href.length <= urlCharactersMax ? url : null
}

/**
 * By the text, before it is parsed: what is made of the letters of a host (UTS #46, RFC 3492) takes a time that grows
 * with the square of their number. Of the schemes whose hosts are treated so; the parser drops tabs and line breaks.
 */
export function hasLongHost(raw: string): boolean {
  const text = raw.replace(/[\t\n\r]/g, '')
  const authority = /(?:https?|wss?|ftp|file):[/\\]*([^/\\?#]*)/i.exec(text)?.[1] ?? ''
  return authority.length - (authority.lastIndexOf('@') + 1) > hostTextMax
}

function unparsable(raw: string): string {
  if (hasLongHost(raw)) return `must name a host of at most ${hostCharactersMax} characters`
  return `is not a URL of at most ${urlCharactersMax} characters`
}

/** Faults that a setting can lift name it: the owner may be the operator, or ask one. */
function schemeFault(url: URL, { insecure }: CallbackPolicy): string | null {
  if (url.protocol === 'https:' || (insecure && url.protocol === 'http:')) return null
  if (insecure) return 'must be an http or https URL'
  const setting = url.protocol === 'http:' ? ' (unless POLLHOOK_INSECURE_CALLBACKS is true)' : ''
  return `must be an https URL${setting}`
}

const needsPrivate = '(unless POLLHOOK_PRIVATE_CALLBACKS allows it)'

function addressFault(hostname: string, privateCidrs: readonly Cidr[]): string | null {
  const literal = addressLiteral(hostname)
  const allowed = literal === null || isAllowedAddress(literal, privateCidrs)
  return allowed ? null : `must not name a private, loopback or reserved address ${needsPrivate}`
}

function userinfoFault(url: URL): string | null {
  return url.username !== '' || url.password !== '' ? 'must not contain a user name or password' : null
}

/** By the text, because `URL.hash` and `URL.search` are empty for a lone `#` or `?` too. */
function fragmentFault(url: URL): string | null {
  return url.href.includes('#') ? 'must not contain a fragment' : null
}

/** Names that can only be private (RFC 6761 §6.3, RFC 6762 §3, ICANN's `.internal`). */
function hostNameFault(hostname: string, privateCidrs: readonly Cidr[]): string | null {
  const name = hostname.replace(/\.+$/, '')
  if (name === '') return 'must name a host'
  if (isOrIsBelow(name, 'localhost')) {
    const loopback = isAllowedAddress('127.0.0.1', privateCidrs) || isAllowedAddress('::1', privateCidrs)
    return loopback ? null : `must not name a loopback host ${needsPrivate}`
  }
  if (isOrIsBelow(name, 'local') || isOrIsBelow(name, 'internal')) {
    // Loopback networks say nothing about names of a private network; any other opened network does.
    const opened = privateCidrs.some(([network]) => network.range() !== 'loopback')
    return opened ? null : `must not name a host of a private network ${needsPrivate}`
  }
  return null
}

function isOrIsBelow(name: string, parent: string): boolean {
  return name === parent || name.endsWith(`.${parent}`)
}

/** The parser has already turned decimal, octal, hex and short IPv4 forms into four decimal parts. */
function addressLiteral(hostname: string): string | null {
  if (hostname.startsWith('[')) return hostname.slice(1, -1)
  return /^[\d.]+$/.test(hostname) ? hostname : null
}

function statusFault(url: URL, policy: StatusPolicy): string | null {
  const insecure = policy.apiOrigin.startsWith('http:')
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:')) {
    return url.protocol === 'http:'
      ? 'must be an https URL, as POLLHOOK_UPSTREAM_URL is'
      : 'must be an https URL'
  }
  if (url.href.includes('?')) return 'must not contain a query'
  if (url.pathname !== '/v1/status') return 'must have the path /v1/status'
  const fault = userinfoFault(url) ?? fragmentFault(url)
  if (fault !== null) return fault
  const allowed =
    url.origin === policy.apiOrigin || policy.hostPatterns.some((pattern) => matchesHost(url, pattern))
  return allowed ? null : 'must name the API host, or a host and port that POLLHOOK_UPSTREAM_HOSTS allows'
}

function matchesHost(url: URL, pattern: HostPattern): boolean {
  const host = pattern.below
    ? url.hostname.endsWith(`.${pattern.host}`) && url.hostname !== `.${pattern.host}`
    : url.hostname === pattern.host
  return host && matchesPort(url, pattern.port)
}

/** `URL.port` is empty for the scheme's default port. */
function matchesPort(url: URL, port: string | null): boolean {
  if (port === null) return url.port === ''
  return port === '*' || port === (url.port || (url.protocol === 'https:' ? '443' : '80'))
}

const patternSyntax = /^(\*\.)?(\[[^\]]+\]|[^\s:/?#@\\*[\]]+)(?::(\d{1,5}|\*))?$/

/** Stricter than the URL parser, which takes `a!` and `a;b` for names: here they are slips of the pen. */
const hostSyntax = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/

/** @returns the pattern, or what is wrong with the entry */
function parseHostPattern(entry: string): HostPattern | string {
  const [, wildcard, host, port] = patternSyntax.exec(entry) ?? []
  if (host === undefined) return 'is not a host pattern; a scheme, path or other wildcard is not allowed'
  const url = URL.parse(`http://${host}/`)
  if (url === null || !hostSyntax.test(url.hostname)) return 'does not name a valid host'
  const below = wildcard !== undefined
  if (below && addressLiteral(url.hostname) !== null) return 'puts a wildcard before an IP address'
  if (port === undefined || port === '*') return { host: url.hostname, below, port: port ?? null }
  const number = Number(port)
  if (number < 1 || number > 65_535) return 'has a port that is not between 1 and 65535'
  return { host: url.hostname, below, port: String(number) }
}
