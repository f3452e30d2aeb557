/** How long the addresses of one name are tried, for callbacks and upstream alike (docs/decisions/0004-ssrf-guard.md). */

/**
 * How long each address of a name but the last has to answer before the next is tried; none is tried twice. Node's default of
 * 250 ms would give an address up before a lost SYN is sent again (RFC 6298 §2: after a second).
 * @param timeoutMs for all addresses together
 */
export function addressTimeoutMs(timeoutMs: number): number {
  return Math.max(1, Math.floor(Math.min(2_500, timeoutMs / 4)))
}
