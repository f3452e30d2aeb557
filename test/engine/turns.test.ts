/** Whose endpoint is looked at next. */
import { expect, it } from 'vitest'
import { createTurns } from '../../src/engine/turns.ts'
import type { EndpointState } from '../../src/store/endpoints.ts'

/** Endpoints 10 to 19 are of owner 1, 20 to 29 of owner 2, and so on. */
const endpointState = (id: number) => ({ id, ownerId: Math.floor(id / 10) }) as EndpointState

function open(inFlight: Record<number, number> = {}) {
  return createTurns({ endpointState }, { inFlightOf: (ownerId) => inFlight[ownerId] ?? 0 })
}

function takeAll(turns: ReturnType<typeof open>, now: number): number[] {
  const taken: number[] = []
  for (let id = turns.takeDue(now); id !== undefined; id = turns.takeDue(now)) taken.push(id)
  return taken
}

it('endpoints of one owner have their turns in the order in which they are due', () => {
  const turns = open()
  for (const [endpointId, at] of [
    [12, 30],
    [10, 20],
    [11, 10],
    [13, 50],
  ] as const)
    turns.set(endpointId, at)
  expect(takeAll(turns, 40)).toEqual([11, 10, 12])
  expect(turns.nextAt()).toBe(50)
  expect(takeAll(turns, 50)).toEqual([13])
  expect(turns.nextAt()).toBeNull()
})

it('owners take turns, however many endpoints one of them has', () => {
  const turns = open()
  for (const endpointId of [10, 11, 12, 13, 20, 21, 30]) turns.set(endpointId, endpointId)
  expect(takeAll(turns, 40)).toEqual([10, 20, 30, 11, 21, 12, 13])
})

it('a turn is that of the owner with the fewest attempts under way', () => {
  const inFlight: Record<number, number> = { 1: 2 }
  const turns = open(inFlight)
  for (const endpointId of [10, 11, 20, 21, 22]) turns.set(endpointId, endpointId)
  expect([turns.takeDue(40), turns.takeDue(40)]).toEqual([20, 21])
  inFlight[2] = 3
  expect(takeAll(turns, 40)).toEqual([10, 11, 22])
})

it('what is put off while its owner is in line has no turn, and is not forgotten', () => {
  const turns = open()
  turns.set(10, 0)
  turns.set(20, 0)
  turns.set(21, 0)
  expect(turns.takeDue(0)).toBe(10)
  turns.set(20, 70)
  turns.set(21, 60)
  expect(takeAll(turns, 0)).toEqual([])
  expect(turns.nextAt()).toBe(60)
  expect(takeAll(turns, 70)).toEqual([21, 20])
})

it('what is brought forward has its turn then, also behind a first turn', () => {
  const turns = open()
  turns.set(10, 90)
  expect(takeAll(turns, 0)).toEqual([])
  turns.set(10, 5)
  turns.set(11, 80)
  expect(turns.nextAt()).toBe(0)
  expect(takeAll(turns, 5)).toEqual([10])
  turns.set(11, 6)
  expect(turns.nextAt()).toBe(6)
  expect(takeAll(turns, 6)).toEqual([11])
})

it('an endpoint that is gone or cannot be read has its turn all the same, and is read again', () => {
  let fails = true
  let read = 0
  const store = {
    endpointState(id: number) {
      read++
      if (id === 11) return null
      if (fails) throw new Error('disk I/O error')
      return endpointState(id)
    },
  }
  const turns = createTurns(store, { inFlightOf: () => 0 })
  for (const endpointId of [11, 12, 13]) turns.set(endpointId, 0)
  expect(takeAll(turns, 0).sort()).toEqual([11, 12, 13])
  fails = false
  for (const round of [1, 2]) {
    turns.set(12, round)
    expect(takeAll(turns, round)).toEqual([12])
  }
  expect(read).toBe(4)
})
