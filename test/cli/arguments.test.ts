import { expect, test } from 'vitest'
import { duration } from '../../src/cli/arguments.ts'

test.each([
  ['500ms', 500],
  ['24d', 24 * 86_400_000],
])('%s is a duration', (text, ms) => {
  expect(duration(text)).toBe(ms)
})

test.each(['', '5', 'x', '25d', '999999999d'])('%j is none that a timer can wait', (text) => {
  expect(() => duration(text)).toThrow('Give a duration like 500ms, 5s or 2m, 24d at most.')
})
