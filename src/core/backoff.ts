/**
 * The waits of polls, retries and failing hosts as pure functions; chance and time are arguments. Durations in milliseconds. The
 * wait after an attempt is decided in `delivery.ts`, that between two probes of an endpoint in `endpoint.ts`.
 */

/** Longest `Retry-After` that is honoured (CONTRACT §4.4). */
export const retryAfterMsMax = 10 * 60 * 60 * 1000

/** ±20 % around `waitMs`; `chance` in [0, 1). */
export function jittered(waitMs: number, chance: number): number {
  return Math.round(waitMs * (0.8 + 0.4 * chance))
}

/**
 * The wait after a poll (CONTRACT §5.2): derived from the age of the last change rather than counted, so
 * that a restart does not forget it.
 */
export function pollWaitMs(wait: {
  intervalMs: number
  intervalMaxMs: number
  sinceChangeMs: number
  chance: number
}): number {
  const base = Math.min(wait.intervalMaxMs, wait.intervalMs + Math.max(0, wait.sinceChangeMs) / 2)
  return Math.ceil(base * (1 + wait.chance / 10))
}

/** A host that fails again and again is left alone for longer each time, up to the longest poll interval. */
export function hostBackoffMs(back: {
  failures: number
  intervalMs: number
  intervalMaxMs: number
  chance: number
}): number {
  const doubled = back.intervalMs * 2 ** Math.min(Math.max(back.failures - 1, 0), 16)
  return jittered(Math.min(back.intervalMaxMs, doubled), back.chance)
}

const asctime = /^[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i

/**
 * A `Retry-After` header (RFC 9110 §10.2.3: delay-seconds or HTTP-date) as milliseconds from `now`, capped
 * at 10 h; null when there is none or it cannot be read. A date in the past is 0. Of several, as an app and a proxy
 * before it may give, the longest, as no wait is to be shorter.
 */
export function retryAfterMs(header: string | null, now: number): number | null {
  let longest: number | null = null
  for (const member of (header ?? '').split(betweenMembers)) {
    const wait = waitOf(member.trim(), now)
    if (wait !== null) longest = Math.min(Math.max(wait, longest ?? 0), retryAfterMsMax)
  }
  return longest
}

/** Not the comma of a date, behind which more of it comes than a number. */
const betweenMembers = /,(?!\s*\d[^,]*[A-Za-z:])/

function waitOf(text: string, now: number): number | null {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (!/^[A-Za-z]{3}/.test(text)) return null
  // The asctime form names no zone, and is UTC all the same (RFC 9110 §5.6.7).
  const at = Date.parse(asctime.test(text) ? `${text} GMT` : text)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}
