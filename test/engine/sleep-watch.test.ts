/** When is the relay taken to have slept: what was known before may be long over (CONTRACT §4.5). */
import { expect, it } from 'vitest'
import { createSleepWatch } from '../../src/engine/sleep-watch.ts'
import { hour, minute, second } from './world.ts'

function open(attemptMsMax = 15 * second) {
  let time = 0
  const watch = createSleepWatch(() => time, attemptMsMax)
  return {
    planned: watch.planned,
    goBack(ms: number): void {
      time -= ms
      watch.clockWentBack(ms)
    },
    /** A pass so much later. @returns whether it takes the time for sleep */
    pass(ms: number): boolean {
      time += ms
      const before = watch.awakeSince()
      watch.woke(time)
      return watch.awakeSince() !== before
    },
  }
}

it('a pass that comes when it was planned is none after a sleep, one that comes far later is', () => {
  const { planned, pass } = open()
  planned(5 * hour, false)
  expect(pass(5 * hour)).toBe(false)
  planned(6 * hour, false)
  expect(pass(hour + 2 * minute)).toBe(true)
})

it('with an attempt under way the next pass is due at its end, whatever is planned for later', () => {
  const { planned, pass } = open()
  planned(5 * hour, true)
  expect(pass(4 * hour)).toBe(true)
})

it('what is due already is no plan of long ago', () => {
  const { planned, pass } = open()
  expect(pass(10 * hour)).toBe(false)
  planned(0, false)
  expect(pass(second)).toBe(false)
})

it('an attempt that takes as long as it may is no sleep', () => {
  const { planned, pass } = open(10 * minute)
  planned(5 * hour, true)
  expect(pass(10 * minute)).toBe(false)
})

it('a sleep after the clock went back is noticed as any other', () => {
  const { planned, pass, goBack } = open()
  planned(hour, false)
  goBack(5 * hour)
  expect(pass(2 * hour)).toBe(true)
})
