import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLine } from '../../src/engine/line.ts'

it('gives back everything once, in the order it came, however it is taken', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 60 }), (turns) => {
      const line = createLine<number>()
      const model: number[] = []
      let next = 0
      for (const [pushed, taken] of turns) {
        for (let i = 0; i < pushed; i++) {
          line.push(next)
          model.push(next++)
        }
        expect(line.take(taken)).toEqual(model.splice(0, taken))
        expect(line.length).toBe(model.length)
      }
    }),
  )
})
