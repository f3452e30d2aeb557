import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventMatches, wants } from '../../src/core/subscription.ts'
import type { Change } from '../../src/core/transition.ts'

const progress = (percent: number): Change => ({
  type: 'task.progress',
  status: 'encoding',
  percent,
  end: null,
  error: null,
})

describe('event patterns', () => {
  it.each([
    [['*'], 'task.encoding', true],
    [['*'], 'pollhook.test', true],
    [['task.*'], 'task.expired', true],
    [['task.*'], 'pollhook.test', false],
    [['task.failed'], 'task.failed', true],
    [['task.failed'], 'task.fail', false],
    [['task.fail'], 'task.failed', false],
    [['task.failed', 'task.completed'], 'task.completed', true],
    [[], 'task.completed', false],
  ])('%j and %s: %s', (patterns, type, matches) => {
    expect(eventMatches(patterns, type)).toBe(matches)
  })

  it('a type matches itself, and more patterns never match less', () => {
    const types = fc.stringMatching(/^task\.[a-z]{1,8}$/)
    fc.assert(
      fc.property(types, fc.array(types), (type, others) => {
        expect(eventMatches([...others, type], type)).toBe(true)
        expect(eventMatches(others, type)).toBe(others.includes(type))
      }),
    )
  })
})

describe('a wish', () => {
  it('for progress is met by its own step, not by that of others', () => {
    const wish = { events: ['*'], percentStep: 10 }
    expect(wants(wish, progress(45), 41)).toBe(false)
    expect(wants(wish, progress(50), 49)).toBe(true)
    expect(wants(wish, progress(39), 41)).toBe(true)
  })

  it('for other types is not met by progress', () => {
    expect(wants({ events: ['task.completed'], percentStep: 1 }, progress(50), 1)).toBe(false)
  })

  it('takes every other change, whatever the percent', () => {
    const change: Change = { ...progress(41), type: 'task.saving' }
    expect(wants({ events: ['task.*'], percentStep: 100 }, change, 41)).toBe(true)
  })
})
