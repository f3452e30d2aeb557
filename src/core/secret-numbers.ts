/**
 * Which of an owner's derived signing secrets are in force (CONTRACT §4.9). Knows them by their numbers only: deriving
 * one is for keys/.
 */

/** Secret number `n` of an owner; `expiresAt` null for the newest. */
export interface SecretNumber {
  n: number
  expiresAt: number | null
}

/** Of an owner that never rotated. */
export const firstNumbers: readonly SecretNumber[] = [{ n: 1, expiresAt: null }]

/** For so long at most the secret before a rotation signs as well: a week (CONTRACT §2). */
export const overlapSecondsMax = 604_800

/** So many at most sign, however often an owner rotates. */
const secretsMax = 5

export function inForce(all: readonly SecretNumber[], now: number): SecretNumber[] {
  return all.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
}

/** The next number becomes the newest; the one before it signs beside it for `overlapMs` more. */
export function rotated(all: readonly SecretNumber[], overlapMs: number, now: number): SecretNumber[] {
  const n = Math.max(...all.map((secret) => secret.n)) + 1
  const older = all.map((secret) => ({ ...secret, expiresAt: secret.expiresAt ?? now + overlapMs }))
  return [{ n, expiresAt: null }, ...inForce(older, now).slice(0, secretsMax - 1)]
}
