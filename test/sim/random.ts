/** Chance that repeats: every draw of a simulation comes from its seed. Streams keep one part from shifting another. */

export interface Rng {
  /** A number in [0, 1). */
  next(): number
  /** An integer in [from, to]. */
  int(from: number, to: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(length: number): Uint8Array
  /** An independent stream: what one draws does not move the other. */
  fork(name: string): Rng
}

/** sfc32 by Chris Doty-Humphrey, public domain: small, fast, and passes PractRand. */
function sfc32(seeds: readonly [number, number, number]): () => number {
  let [a, b, c] = seeds
  let counter = 1
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4_294_967_296
  }
  for (let i = 0; i < 15; i++) next()
  return next
}

function hash(text: string): number {
  let h = 2_166_136_261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16_777_619)
  return h | 0
}

export function createRng(seed: number, name = 'root'): Rng {
  const next = sfc32([seed | 0, hash(name), hash(`${seed}/${name}`)])
  const int = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (from) => from[int(0, from.length - 1)]!,
    bytes: (length) => Uint8Array.from({ length }, () => int(0, 255)),
    fork: (child) => createRng(seed, `${name}/${child}`),
  }
}
