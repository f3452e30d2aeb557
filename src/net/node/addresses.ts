/** How long the addresses of one name are tried, for callbacks and upstream alike (docs/decisions/0004-ssrf-guard.md). */

/**
 * Of a name with several addresses each but the last has so long to answer, then the next is tried. Node's own 250 ms are over
 * before a SYN that was lost is sent again (RFC 6298 §2: a second), and one that is dropped is not come back to.
 *
 * @param timeoutMs for the whole: then the others are to have their turn
 */
export function addressTimeoutMs(timeoutMs: number): number {
  return Math.max(1, Math.floor(Math.min(2_500, timeoutMs / 4)))
}
