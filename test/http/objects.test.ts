import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { list, text, textRecord } from '../../src/http/objects.ts'

const message = 'is too large'

function faultsOf(schema: v.GenericSchema, value: unknown): string[] {
  return (v.safeParse(schema, value).issues ?? []).map((issue) => issue.message)
}

describe('a limit comes before what is in a value', () => {
  test('of an array', () => {
    let looks = 0
    const item = v.pipe(
      v.string(),
      v.check(() => {
        looks++
        return false
      }, 'is bad'),
    )
    const schema = list(item, { max: 3, message })
    expect(faultsOf(schema, ['a', 'b', 'c', 'd'])).toEqual([message])
    expect(looks).toBe(0)
    expect(faultsOf(schema, ['a', 'b', 'c'])).toEqual(['is bad', 'is bad', 'is bad'])
  })

  test('of a record', () => {
    let looks = 0
    const watched = (entries: object) =>
      new Proxy(entries, {
        get(target, name) {
          looks++
          return Reflect.get(target, name)
        },
      })
    const schema = textRecord({ max: 2, message })
    expect(faultsOf(schema, watched({ a: 1, b: 2, c: 3 }))).toEqual([message])
    expect(looks).toBe(0)
    expect(faultsOf(schema, watched({ a: 1, b: 2 }))).toHaveLength(2)
    expect(looks).toBeGreaterThan(0)
  })

  test('of a text', () => {
    let looks = 0
    const schema = v.pipe(
      text({ max: 3, message }),
      v.check(() => {
        looks++
        return true
      }),
    )
    expect(faultsOf(schema, 'abcd')).toEqual([message])
    expect(looks).toBe(0)
    expect(faultsOf(schema, 'abc')).toEqual([])
    expect(looks).toBe(1)
  })

  test.each([
    ['a text for an array', list(v.string(), { max: 1, message }), 'abc'],
    ['an array for a record', textRecord({ max: 1, message }), [1, 2, 3]],
    ['a text for a record', textRecord({ max: 1, message }), 'abc'],
    ['null for a record', textRecord({ max: 1, message }), null],
    ['an array for a text', text({ max: 1, message }), [1, 2, 3]],
  ])('%s is told as that', (_name, schema, value) => {
    expect(faultsOf(schema, value)).toEqual([expect.stringMatching(/^Invalid type/)])
  })
})
