/** One in a turn: what was ready before runs between them. */
import { expect, test } from 'vitest'
import { createTimers } from '../../src/node/timers.ts'
import { createTurnstile } from '../../src/node/turnstile.ts'

test('those that ask together go one in each turn of the loop, in their order', async () => {
  const timers = createTimers()
  const turn = createTurnstile(timers)
  let turns = 0
  const count = (): void => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const seen = await Promise.all(['a', 'b', 'c'].map(async (name) => turn().then(() => ({ name, turns }))))
  clearImmediate(counting)
  timers.end()
  expect(seen.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(new Set(seen.map((one) => one.turns)).size).toBe(3)
})
