import fc from 'fast-check'
import { expect, it } from 'vitest'
import { boundedCache } from '../../src/core/bounded-cache.ts'

/** A cache that counts what it made. */
function counting(entriesMax: number) {
  const made: string[] = []
  const get = boundedCache(entriesMax, (key) => {
    made.push(key)
    return key.toUpperCase()
  })
  return { get, made }
}

it('makes a value once while it is remembered', () => {
  const { get, made } = counting(2)
  expect(['a', 'b', 'a', 'b'].map(get)).toEqual(['A', 'B', 'A', 'B'])
  expect(made).toEqual(['a', 'b'])
})

it('lets go of what was used longest ago', () => {
  const { get, made } = counting(2)
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) get(key)
  expect(made).toEqual(['a', 'b', 'c', 'b'])
})

it('remembers undefined as a value, and nothing that was thrown', () => {
  let calls = 0
  const none = boundedCache(1, () => void calls++)
  none('a')
  none('a')
  expect(calls).toBe(1)
  const failing = boundedCache(1, () => {
    calls++
    throw new Error('no')
  })
  expect(() => failing('a')).toThrow('no')
  expect(() => failing('a')).toThrow('no')
  expect(calls).toBe(3)
})

it('makes again exactly what is not among the last used', () => {
  const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 50 })
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 4 }), (used, max) => {
      const { get, made } = counting(max)
      let recent: string[] = []
      const expected: string[] = []
      for (const key of used) {
        if (!recent.includes(key)) expected.push(key)
        recent = [key, ...recent.filter((other) => other !== key)].slice(0, max)
        expect(get(key)).toBe(key.toUpperCase())
      }
      expect(made).toEqual(expected)
    }),
  )
})
