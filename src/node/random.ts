/** Cryptographically random bytes in small pieces: one call of the system for many of them. */
import { randomFillSync } from 'node:crypto'

const poolBytes = 4096

/** @returns a function that gives fresh bytes, none of them twice */
export function createRandomBytes(): (length: number) => Uint8Array {
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  return (length) => {
    if (length > poolBytes) return randomFillSync(new Uint8Array(length))
    if (used + length > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const bytes = pool.slice(used, used + length)
    // What was given away is not kept.
    pool.fill(0, used, used + length)
    used += length
    return bytes
  }
}
