/**
 * Several sides of one measurement, round by round in turns, so that a slow minute of the machine falls on all of them, and
 * each round in another order: what a side leaves behind, as a server that still writes to the disk, falls on whoever is next.
 */
import { median } from './figures.ts'

/** A side that cannot run here says why; the others run without it. */
export interface Skipped {
  side: string
  reason: string
}

/** Of every measurement since `takeRounds` was last called, each side's rounds in order: what the medians are made from. */
let measured: Record<string, readonly object[]> = {}

export function takeRounds(): Record<string, readonly object[]> {
  const taken = measured
  measured = {}
  return taken
}

/**
 * @param sides what one round of each does; round 0 comes first, in which they warm up, and is not measured
 * @param options.warmUp false where each round has a new process anyway
 * @returns the medians of each side's figures, of what must not happen the most
 */
export async function mediansBeside<Name extends string, Figures extends object>(
  rounds: number,
  sides: Readonly<Partial<Record<Name, (round: number) => Promise<Figures>>>>,
  { warmUp = true } = {},
): Promise<Partial<Record<Name, Figures>>> {
  const names = Object.keys(sides) as Name[]
  const all = new Map<Name, Figures[]>(names.map((name) => [name, []]))
  for (let round = warmUp ? 0 : 1; round <= rounds; round++) {
    for (const name of shuffled(names)) {
      const figures = await sides[name]?.(round)
      if (round > 0 && figures !== undefined) all.get(name)?.push(figures)
    }
  }
  Object.assign(measured, Object.fromEntries(all))
  const medians = names.map((name) => [name, mediansOf(all.get(name) ?? [])])
  return Object.fromEntries(medians) as Partial<Record<Name, Figures>>
}

function shuffled<T>(items: readonly T[]): T[] {
  const drawn = items.map((item) => ({ item, at: Math.random() }))
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item)
}

/** What must not happen at all: of these the worst round counts. */
const faults = new Set<PropertyKey>(['lost', 'failedPolls'])

function mediansOf<Figures extends object>(rounds: readonly Figures[]): Figures {
  const keys = Object.keys(rounds[0] ?? {}) as (keyof Figures)[]
  return Object.fromEntries(
    keys.map((key) => {
      const values = rounds.map((one) => Number(one[key]))
      return [key, faults.has(key) ? Math.max(...values) : median(values)]
    }),
  ) as unknown as Figures
}
