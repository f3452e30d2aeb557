/** When passes run. */
import { expect, it } from 'vitest'
import { createLoop } from '../../src/engine/loop.ts'
import { hour } from './world.ts'

it('a wake does not wait for a timer whose time is over, as after a sleep of the machine', () => {
  let time = 0
  const waits: number[] = []
  const loop = createLoop({
    now: () => time,
    timers: {
      after(ms) {
        waits.push(ms)
        return () => {}
      },
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    passes: [() => 10 * hour],
  })
  loop.start()
  loop.run()
  expect(waits).toEqual([0, 10 * hour])
  time = 11 * hour
  for (let n = 0; n < 3; n++) loop.wake()
  expect(waits).toEqual([0, 10 * hour, 0])
})
