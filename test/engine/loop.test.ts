/** When passes run. */
import { expect, it } from 'vitest'
import { createLoop } from '../../src/engine/loop.ts'
import { hour, minute } from './world.ts'

/** A loop whose pass wants to run in ten hours, and its timers. */
function setUp() {
  const world = { at: 0, runs: 0, waits: [] as number[], fire: () => {} }
  const loop = createLoop({
    now: () => world.at,
    timers: {
      after(ms, work) {
        world.waits.push(ms)
        world.fire = work
        return () => {}
      },
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    passes: [
      () => {
        world.runs++
        return 10 * hour
      },
    ],
  })
  loop.start()
  world.fire()
  return { loop, world }
}

it('a wake does not wait for a timer whose time is over, as after a sleep of the machine', () => {
  const { loop, world } = setUp()
  world.at = 11 * hour
  for (let n = 0; n < 3; n++) loop.wake()
  expect(world.waits).toEqual([0, minute, 0])
})

it('what is due since the clock was set forward waits a minute at most, also where nothing wakes the loop', () => {
  const { world } = setUp()
  expect(world.waits).toEqual([0, minute])
  world.at = 11 * hour
  world.fire()
  expect(world.runs).toBe(2)
})

it('a pass that fails keeps no other from running, and is tried again in a second', () => {
  const waits: number[] = []
  let runs = 0
  const loop = createLoop({
    now: () => 0,
    timers: {
      after(ms) {
        waits.push(ms)
        return () => {}
      },
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    passes: [
      () => {
        throw new Error('disk I/O error')
      },
      () => {
        runs++
        return null
      },
    ],
  })
  loop.start()
  loop.run()
  expect([runs, waits]).toEqual([1, [0, 1_000]])
})
