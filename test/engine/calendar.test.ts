import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCalendar, type Dated } from '../../src/engine/calendar.ts'

interface Item extends Dated {
  name: number
}

const at = fc.integer({ min: 0, max: 400 })
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), name: fc.nat(7), at }),
  fc.record({ do: fc.constant('delete' as const), name: fc.nat(7), at }),
  fc.record({ do: fc.constant('take' as const), name: fc.nat(7), at }),
)

it('takes exactly what is due, and never wakes too late, whatever was added, moved and removed before', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 60 }),
      at,
      (steps, dayMs, since) => {
        const calendar = createCalendar<Item>(dayMs, since)
        const items = Array.from({ length: 8 }, (_, name): Item => ({ name, dueAt: 0, day: null }))
        const model = new Map<number, number>()
        for (const { do: what, name, at } of steps) {
          const item = items[name]!
          if (what === 'set') {
            calendar.set(item, at)
            model.set(name, at)
          } else if (what === 'delete') {
            calendar.delete(item)
            model.delete(name)
          } else {
            const due = [...model].filter(([, dueAt]) => dueAt <= at).map(([of]) => of)
            for (const of of due) model.delete(of)
            const taken = calendar.takeDue(at).map((of) => of.name)
            expect(taken.toSorted()).toEqual(due.toSorted())
          }
          const earliest = Math.min(...model.values())
          expect(calendar.nextAt() === null).toBe(model.size === 0)
          expect(calendar.nextAt() ?? 0).toBeLessThanOrEqual(earliest)
        }
      },
    ),
  )
})

it('knows the exact time of the next item after a look', () => {
  const calendar = createCalendar<Item>(100, 0)
  calendar.set({ name: 1, dueAt: 0, day: null }, 110)
  calendar.set({ name: 2, dueAt: 0, day: null }, 150)
  expect(calendar.takeDue(120).map(({ name }) => name)).toEqual([1])
  expect(calendar.nextAt()).toBe(150)
})

it('takes earlier days first', () => {
  const calendar = createCalendar<Item>(10, 0)
  for (const dueAt of [35, 5, 25, 15]) calendar.set({ name: dueAt, dueAt: 0, day: null }, dueAt)
  expect(calendar.takeDue(100).map(({ name }) => name)).toEqual([5, 15, 25, 35])
})

it('takes once what was moved to and fro very often, with the others of its days', () => {
  const calendar = createCalendar<Item>(10, 0)
  const item = (name: number): Item => ({ name, dueAt: 0, day: null })
  const [moving, ...resting] = [0, 1, 2].map(item)
  calendar.set(resting[0]!, 5)
  calendar.set(resting[1]!, 15)
  for (let i = 0; i < 1_000; i++) calendar.set(moving!, i % 2 === 0 ? 17 : 7)
  expect(calendar.takeDue(6).map(({ name }) => name)).toEqual([1])
  expect(calendar.takeDue(100).map(({ name }) => name)).toEqual([0, 2])
  expect(calendar.nextAt()).toBeNull()
})
