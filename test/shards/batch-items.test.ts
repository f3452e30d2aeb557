import fc from 'fast-check'
import { expect, it } from 'vitest'
import { itemTexts } from '../../src/shards/batch-items.ts'

it.each([
  ['{"a":[1]}', ['1']],
  ['{ "a" : [ 1 , {"b":[2,3],"c":{}} ] }', [' 1 ', ' {"b":[2,3],"c":{}} ']],
  ['{"[,]":["],\\\\","\\"}"]}', ['"],\\\\"', '"\\"}"']],
  ['{"a":{"b":1,"c":2},"a":[3,4],"a":[5,6]}', ['5', '6']],
  ['{"a":[1e999,0.10]}', ['1e999', '0.10']],
])('the items of %s are %j', (json, items) => {
  expect(itemTexts(json)).toEqual(items)
})

it('each reads as it did within the whole, however that was written', () => {
  const indents = fc.constantFrom(undefined, 1, '\t')
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), indents, (items, indent) => {
      const texts = itemTexts(JSON.stringify({ items }, null, indent))
      expect(texts.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(items)))
    }),
  )
})
