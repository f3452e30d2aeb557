/** Who is told of a commit, and when. */
import { expect, it, vi } from 'vitest'
import { createFeed } from '../../src/engine/feed.ts'

function setUp() {
  const turns: (() => void)[] = []
  const feed = createFeed({
    after(_ms, work) {
      turns.push(work)
      return () => {}
    },
  })
  return { feed, turns }
}

it('tells those who listen to the task until they listen no more', () => {
  const { feed } = setUp()
  const [one, other] = [vi.fn(), vi.fn()]
  const end = feed.subscribe('a', one)
  feed.subscribe('b', other)
  feed.publish(['a', 'c'])
  end()
  feed.publish(['a'])
  expect(one).toHaveBeenCalledTimes(1)
  expect(other).not.toHaveBeenCalled()
})

it('thousands that follow one task do not hold up everything else: a part is told in each turn, once', () => {
  const { feed, turns } = setUp()
  const told: number[] = []
  const ends = Array.from({ length: 120 }, (_, n) => feed.subscribe('a', () => told.push(n)))
  feed.publish(['a'])
  expect(told).toHaveLength(50)
  feed.publish(['a'])
  expect(told).toHaveLength(50)
  ends[119]!()
  while (turns.length > 0) turns.shift()!()
  expect(told.toSorted((a, b) => a - b)).toEqual([
    ...Array.from({ length: 50 }, (_, n) => [n, n]).flat(),
    ...Array.from({ length: 69 }, (_, n) => n + 50),
  ])
})

it('one that throws keeps the others from nothing', () => {
  const { feed, turns } = setUp()
  const told = new Set<number>()
  for (let n = 0; n < 100; n++)
    feed.subscribe('a', () => {
      if (n === 60) throw new Error('it is broken')
      told.add(n)
    })
  feed.publish(['a'])
  expect(turns).toHaveLength(1)
  expect(turns.shift()!).toThrow('it is broken')
  while (turns.length > 0) turns.shift()!()
  expect(told.size).toBe(99)
})

it('one that publishes, or ends the listening of another, while it is told', () => {
  const { feed, turns } = setUp()
  const told: string[] = []
  feed.subscribe('a', () => {
    told.push('a')
    feed.publish(['b'])
    end()
  })
  const end = feed.subscribe('a', () => told.push('a, ended'))
  feed.subscribe('b', () => told.push('b'))
  feed.publish(['a'])
  while (turns.length > 0) turns.shift()!()
  expect(told).toEqual(['a', 'b'])
})
