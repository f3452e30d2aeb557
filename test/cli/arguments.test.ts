import { expect, test } from 'vitest'
import { duration, factor, share } from '../../src/cli/arguments.ts'

test.each([
  ['500ms', 500],
  ['24d', 24 * 86_400_000],
])('%s is a duration', (text, ms) => {
  expect(duration(text)).toBe(ms)
})

test.each(['', '5', 'x', '25d', '999999999d'])('%j is none that a timer can wait', (text) => {
  expect(() => duration(text)).toThrow('Give a duration like 500ms, 5s or 2m, 24d at most.')
})

test.each([
  ['0.5', 0.5],
  ['10000', 10_000],
])('%s is a factor', (text, value) => {
  expect(factor(text)).toBe(value)
})

test.each(['', ' ', '0', '-1', 'x', '10000.1', 'Infinity'])('%j is none', (text) => {
  expect(() => factor(text)).toThrow('Give a number above 0 and up to 10000')
})

test.each([
  ['0', 0],
  ['0.05', 0.05],
  ['1', 1],
])('%s is a share', (text, value) => {
  expect(share(text)).toBe(value)
})

test.each(['', ' ', '-0.1', '1.1', 'x'])('%j is none', (text) => {
  expect(() => share(text)).toThrow('Give a number from 0 to 1')
})
