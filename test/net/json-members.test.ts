import fc from 'fast-check'
import { expect, it } from 'vitest'
import { membersOf } from '../../src/net/json-members.ts'

const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }))

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

function parsed(members: ReadonlyMap<string, string> | null): [string, unknown][] | null {
  return members && [...members].map(([name, text]) => [name, JSON.parse(text)])
}

it('gives each member of an object by its name, however it is laid out', () => {
  fc.assert(
    fc.property(object, fc.constantFrom('', ' ', '\t', '  \r\n'), (value, indent) => {
      const text = `${indent}${JSON.stringify(value, null, indent)}${indent}`
      expect(Object.fromEntries(parsed(membersOf(text)) ?? [])).toEqual(JSON.parse(text))
    }),
  )
})

it('says of no text that JSON takes for an object that it is none, and throws at nothing', () => {
  const damaged = fc
    .tuple(object, fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3))
    .map(([value, where, more, less]) => {
      const text = JSON.stringify(value)
      const at = where % (text.length + 1)
      return text.slice(0, at) + more + text.slice(at + less)
    })
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string(), fc.json()), (text) => {
      const members = membersOf(text)
      const whole = parseObject(text)
      if (whole !== null) expect(Object.fromEntries(parsed(members) ?? [])).toEqual(whole)
    }),
    { numRuns: 2_000 },
  )
})

it.each([
  '',
  '[]',
  '"{}"',
  'null',
  '7',
  '{',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":}',
  '{"a":1,}',
  '{a:1}',
  '{"a":"1}',
  '{} {}',
  '{"a":[1}',
])('is none: %s', (text) => {
  expect(membersOf(text)).toBeNull()
})

it('keeps the last of a name that stands twice, as JSON.parse does', () => {
  expect(parsed(membersOf('{"a":1,"b":2,"a":{"c":3}}'))).toEqual([
    ['a', { c: 3 }],
    ['b', 2],
  ])
})
