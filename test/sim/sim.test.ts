/** The delivery promise under seeded faults: the seeds that failed once, and determinism. */
import { describe, expect, test } from 'vitest'
import { seedsThatFailed } from './seeds.ts'
import { simulate } from './simulate.ts'

describe('a simulated relay', () => {
  test.each(seedsThatFailed)('keeps its promise under seed %i, which failed once', async (seed) => {
    const { violations, faults } = await simulate(seed)
    expect({ faults, violations }).toEqual({ faults, violations: [] })
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
