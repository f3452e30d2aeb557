import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFifo } from '../../src/engine/fifo.ts'

it('gives back everything once, in the order it came, however it is taken', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(9), fc.nat(3)), { maxLength: 60 }), (turns) => {
      const fifo = createFifo<number>()
      const model: number[] = []
      let next = 0
      for (const [pushed, taken, divisor] of turns) {
        for (let i = 0; i < pushed; i++) {
          fifo.push(next)
          model.push(next++)
        }
        const fits = (n: number) => n % (divisor + 2) === 0
        const fitting = model.filter(fits).slice(0, taken)
        expect(fifo.some(fits)).toBe(model.some(fits))
        expect(fifo.takeFitting(taken, fits)).toEqual(fitting)
        model.splice(0, model.length, ...model.filter((n) => !fitting.includes(n)))
        expect(fifo.take(taken)).toEqual(model.splice(0, taken))
        expect(fifo.length).toBe(model.length)
      }
    }),
  )
})
