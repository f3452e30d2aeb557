/** The delivery promise under seeded faults: a hundred fixed seeds, those that failed once, and determinism. */
import { describe, expect, test } from 'vitest'
import { fixedSeeds, seedsThatFailed } from './seeds.ts'
import { simulate } from './simulate.ts'

describe('a simulated relay', () => {
  test.each(seedsThatFailed)('keeps its promise under seed %i, which failed once', async (seed) => {
    const { violations, faults } = await simulate(seed)
    expect({ faults, violations }).toEqual({ faults, violations: [] })
  })

  test('keeps its promise under a hundred fixed seeds', { timeout: 120_000 }, async () => {
    for (const seed of fixedSeeds) {
      const { violations, faults } = await simulate(seed)
      expect({ seed, faults, violations }).toEqual({ seed, faults, violations: [] })
    }
  })

  test('does the same thing twice under the same seed', async () => {
    for (const seed of [3, 17, 1042]) {
      const [one, two] = [await simulate(seed), await simulate(seed)]
      expect(two.hash).toBe(one.hash)
      expect(one.trace.length).toBeGreaterThan(20)
    }
  })

  test('does something else under another seed', async () => {
    const [one, two] = [await simulate(5), await simulate(6)]
    expect(two.hash).not.toBe(one.hash)
  })
})
