import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hasMoreValues } from '../../src/core/json-values.ts'

function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, one) => sum + countOf(one), 1)
}

test.each([
  ['[1,1,1]', 4],
  ['{"a":1,"b":[2]}', 4],
  [' { "a" : "x" , "b" : [ "y" , "z" ] } ', 5],
  ['["[,{[,{[,{"]', 2],
  [String.raw`["\",[","\\",1]`, 4],
])('%s has %i values', (text, values) => {
  expect(hasMoreValues(text, values)).toBe(false)
  expect(hasMoreValues(text, values - 1)).toBe(true)
})

test('no text has more than it is said to have', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 9 }), (value, max) => {
      const text = JSON.stringify(value)
      if (countOf(value) > max && text.length > 2 * max) expect(hasMoreValues(text, max)).toBe(true)
    }),
  )
})

test('none is shorter than that it could have so many', () => {
  const text = `[${Array(1_000).fill(0).join()}]`
  expect(hasMoreValues(text, countOf(JSON.parse(text)) - 1)).toBe(true)
})
