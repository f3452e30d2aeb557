import fc from 'fast-check'
import { expect, it } from 'vitest'
import { firstNumbers, inForce, rotated, type SecretNumber } from '../../src/core/secret-numbers.ts'

const rotation = fc.record({ afterMs: fc.nat(2_000), overlapMs: fc.nat(5_000) })

it('however often it rotates, five sign at most, the newest for good, and no number returns', () => {
  fc.assert(
    fc.property(fc.array(rotation, { maxLength: 20 }), (rotations) => {
      let now = 0
      let all: readonly SecretNumber[] = firstNumbers
      for (const { afterMs, overlapMs } of rotations) {
        now += afterMs
        const before = all
        all = rotated(before, overlapMs, now)
        const [newest, ...older] = all
        expect(newest).toEqual({ n: before[0]!.n + 1, expiresAt: null })
        expect(all.length).toBeLessThanOrEqual(5)
        expect(all.map(({ n }) => n)).toEqual(all.map(({ n }) => n).toSorted((a, b) => b - a))
        for (const { expiresAt } of older) expect(expiresAt).toBeGreaterThan(now)
      }
    }),
  )
})

it('a secret signs until its overlap is over, and not at that moment', () => {
  const both = rotated(firstNumbers, 1_000, 0)
  expect(inForce(both, 999).map(({ n }) => n)).toEqual([2, 1])
  expect(inForce(both, 1_000).map(({ n }) => n)).toEqual([2])
})

it('a later rotation does not prolong what an earlier one has ended', () => {
  const twice = rotated(rotated(firstNumbers, 1_000, 0), 9_000, 500)
  expect(twice).toEqual([
    { n: 3, expiresAt: null },
    { n: 2, expiresAt: 9_500 },
    { n: 1, expiresAt: 1_000 },
  ])
})

it('without an overlap the one before signs no more', () => {
  expect(rotated(firstNumbers, 0, 0)).toEqual([{ n: 2, expiresAt: null }])
})
