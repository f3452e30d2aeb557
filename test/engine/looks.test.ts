import { expect, it } from 'vitest'
import { createLooks } from '../../src/engine/looks.ts'
import { restMs, wakeMs } from '../../src/engine/pace.ts'

it('what comes up unplanned hurries one look: those after it wait for company again', () => {
  const pace = { intervalMs: 10_000, batch: 100 }
  const [rest, wake] = [restMs(pace), wakeMs(pace, 1)]
  expect(wake).toBeGreaterThan(rest)
  const looks = createLooks(pace)
  expect(looks.take(0, 1)).toBe(true)
  looks.hurry()
  expect(looks.take(rest, 1)).toBe(true)
  expect(looks.take(2 * rest, 1)).toBe(false)
  expect(looks.nextAt(1)).toBe(rest + wake)
})
