/**
 * Which IP addresses a callback may reach: public ones, and those that the operator named. Knows addresses
 * only as text; who resolved them, and when they are checked, is decided elsewhere.
 */
import ipaddr from 'ipaddr.js'

/** Network and prefix length, e.g. 127.0.0.0 and 8. Made by `parseCidrs`. */
export type Cidr = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

export type ParsedCidrs = { ok: true; cidrs: Cidr[] } | { ok: false; faults: string[] }

/** RFC 6052 §2.1, the well-known NAT64 prefix; the local one of RFC 8215 (64:ff9b:1::/48) is never public. */
const nat64: Cidr = ipaddr.parseCIDR('64:ff9b::/96')
/** RFC 4291 §2.5.5.1, deprecated "IPv4-compatible" addresses, but for `::` and `::1`. */
const v4Compatible: Cidr = ipaddr.parseCIDR('::/96')
/** All that IANA has given out as global unicast; the rest of the space is reserved (RFC 4291 §2.4). */
const globalUnicast: Cidr = ipaddr.parseCIDR('2000::/3')

/**
 * True only for addresses of the public internet. An IPv6 address that carries an IPv4 one (v4-mapped,
 * v4-compatible, NAT64, 6to4) is as public as the one inside. Anything unreadable, or written in one of the
 * ambiguous IPv4 forms (octal, hex, short), is not public.
 */
export function isPublicAddress(address: string): boolean {
  const parsed = parseAddress(address)
  return parsed !== null && isPublic(parsed)
}

/** True when the address is public or inside one of the networks that the operator opened to callbacks. */
export function isAllowedAddress(address: string, privateCidrs: readonly Cidr[]): boolean {
  const parsed = parseAddress(address)
  if (parsed === null) return false
  return isPublic(parsed) || privateCidrs.some((cidr) => matches(parsed, cidr))
}

/**
 * Reads a comma-separated list such as `127.0.0.0/8,::1/128`; an empty one gives no networks.
 * @returns the networks, or each fault as a sentence that quotes the entry
 */
export function parseCidrs(list: string): ParsedCidrs {
  const cidrs: Cidr[] = []
  const faults: string[] = []
  for (const entry of list.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const cidr = parseCidr(entry)
    if (cidr === null) faults.push(`"${entry}" is not a network in CIDR notation`)
    else if (isV4Mapped(cidr[0]))
      faults.push(`"${entry}" is an IPv4 network in IPv6 notation; write it as IPv4`)
    else cidrs.push(cidr)
  }
  return faults.length === 0 ? { ok: true, cidrs } : { ok: false, faults }
}

/** Strict dotted decimal for IPv4, so that no two readers of one text can disagree. v4-mapped comes out as IPv4. */
function parseAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address)
  if (!ipaddr.IPv6.isValid(address)) return null
  const parsed = ipaddr.IPv6.parse(address)
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
}

function parseCidr(entry: string): Cidr | null {
  if (ipaddr.IPv4.isValidCIDRFourPartDecimal(entry)) return ipaddr.IPv4.parseCIDR(entry)
  return ipaddr.IPv6.isValidCIDR(entry) ? ipaddr.IPv6.parseCIDR(entry) : null
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (isV4(address)) return address.range() === 'unicast'
  const inner = embeddedV4(address)
  if (inner !== null) return inner.range() === 'unicast'
  return address.range() === 'unicast' && matches(address, globalUnicast)
}

function embeddedV4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  if (matches(address, nat64) || matches(address, v4Compatible)) return v4At(address, 12)
  // RFC 3056 §2: 2002:V4ADDR::/48.
  return address.range() === '6to4' ? v4At(address, 2) : null
}

function v4At(address: ipaddr.IPv6, offset: number): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(offset, offset + 4))
}

/** `match` of ipaddr.js throws when the families differ. */
function matches(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Cidr): boolean {
  return address.kind() === network.kind() && address.match(network, bits)
}

function isV4(address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4'
}

function isV4Mapped(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return !isV4(address) && address.isIPv4MappedAddress()
}
