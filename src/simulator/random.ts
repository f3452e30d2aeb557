/** Seeded pseudo-random numbers: the same seed gives the same jobs and the same faults. Not for secrets. */

/** A number in [0, 1). */
export type Random = () => number

/** mulberry32: 32 bits of state are plenty for a simulation. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed of its own for each `name`, so that one job's numbers do not depend on how many came before (FNV-1a). */
export function seedFor(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0
  return hash
}

export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low)
}

/** `digits` lower-case hex digits. */
export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
}
