/** CONTRACT §5.4, "only that one suffers": what tokens that upstream refuses cost the others. */
import { expect, it } from 'vitest'
import { breakUpstream, error } from './upstream.ts'
import { minute, newToken, openWorld, second } from './world.ts'

it('one bad token in a batch of 64 costs O(log n) calls and hurts no other', async () => {
  const world = openWorld()
  const inputs = Array.from({ length: 64 }, () => newToken())
  const bad = inputs[37]!
  breakUpstream(world, (_origin, tokens) => (tokens.includes(bad) ? error(13) : null))
  await Promise.all(inputs.map((taskToken) => world.register({ taskToken })))
  await world.run(second)
  // The whole, then two halves of whatever is spoiled: 1 + 2 log2 64.
  expect(world.calls.length).toBeLessThanOrEqual(13)
  expect(world.sent).toHaveLength(63)
  const from = world.elapsed()
  await world.run(minute)
  const later = world.calls.filter(({ at }) => at >= from)
  const [alone, others] = [true, false].map((isBad) =>
    later.filter(({ tokens }) => tokens.includes(bad) === isBad).map(({ tokens }) => tokens.length),
  )
  expect(new Set(alone)).toEqual(new Set([1]))
  expect(others).not.toEqual([])
  expect(others).not.toContain(1)
})
