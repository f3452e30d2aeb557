import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isEnded, planJob, stateAt } from '../../src/simulator/lifecycle.ts'
import { seededRandom } from '../../src/simulator/random.ts'

const plan = (seed: number, failure: { at: number; description: string } | null = null) =>
  planJob(seededRandom(seed), { durationMs: 60_000, failure })

/** The course of a job, looked at every 100 ms. */
const course = (seed: number, failure?: { at: number; description: string }) => {
  const planned = plan(seed, failure ?? null)
  return Array.from({ length: 620 }, (_, tick) => stateAt(planned, tick * 100))
}

test('a job goes through every status in order and completes after exactly its duration', () => {
  const words = course(1).map(({ status }) => status)
  expect([...new Set(words)]).toEqual(['downloading', 'queued', 'encoding', 'saving', 'completed'])
  expect(stateAt(plan(1), 59_999).status).toBe('saving')
  expect(stateAt(plan(1), 60_000)).toEqual({ status: 'completed', percent: 100, failure: null })
})

test('the percent rises in uneven steps during the encoding and is 0 before and 100 after', () => {
  const states = course(7)
  const percents = [...new Set(states.map(({ percent }) => percent))]
  expect(percents[0]).toBe(0)
  expect(percents.at(-1)).toBe(100)
  expect(percents.length).toBeGreaterThan(15)
  const steps = percents.slice(1).map((percent, index) => (percent - percents[index]!).toFixed(1))
  expect(new Set(steps).size).toBeGreaterThan(8)
  for (const { status, percent } of states) {
    if (status === 'downloading' || status === 'queued') expect(percent).toBe(0)
    if (status === 'saving' || status === 'completed') expect(percent).toBe(100)
  }
})

test('no job ever goes back, whatever its seed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(70_000), fc.nat(70_000), (seed, one, other) => {
      const planned = plan(seed)
      const [early, late] = [Math.min(one, other), Math.max(one, other)]
      const [before, after] = [stateAt(planned, early), stateAt(planned, late)]
      const ranks = ['downloading', 'queued', 'encoding', 'saving', 'completed']
      expect(ranks.indexOf(after.status)).toBeGreaterThanOrEqual(ranks.indexOf(before.status))
      expect(after.percent).toBeGreaterThanOrEqual(before.percent)
      expect(after.percent).toBeLessThanOrEqual(100)
    }),
  )
})

test('a failing job stops where it is, with its reason', () => {
  const states = course(3, { at: 0.5, description: 'out of frames' })
  const [last] = states.slice(299, 300)
  expect(last?.status).toBe('encoding')
  for (const state of states.slice(300)) {
    expect(state).toMatchObject({ status: 'error', failure: { description: 'out of frames' } })
    expect(state.percent).toBeLessThan(100)
  }
  expect(states.filter(isEnded)).toHaveLength(320)
})

test('the same seed plans the same job, another seed another', () => {
  expect(plan(5)).toEqual(plan(5))
  expect(plan(5)).not.toEqual(plan(6))
})
