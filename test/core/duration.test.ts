import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../src/core/duration.ts'

it.each([
  ['500ms', 500],
  ['5s', 5_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['30d', 2_592_000_000],
  [' 1s ', 1_000],
  ['0s', 0],
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

it.each(['', '5', 's', '5 s', '-5s', '1.5s', '5S', '5w', '5sec', '1h30m', '9999999999s', '5s\n5s'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

it('what is written is read back', () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.constantFrom(1, 1000, 60_000, 3_600_000), (count, unit) => {
      const ms = (count * unit) % 1e13
      fc.pre(ms < 999_999_999)
      expect(parseDuration(formatDuration(ms))).toBe(ms)
    }),
  )
})

it.each([
  [0, '0ms'],
  [999, '999ms'],
  [1_500, '1500ms'],
  [60_000, '1m'],
  [90_000, '90s'],
  [86_400_000, '1d'],
])('%d ms is written %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
