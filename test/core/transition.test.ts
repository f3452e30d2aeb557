import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../src/core/snapshot.ts'
import {
  crossesStep,
  diff,
  isTerminalType,
  type KnownState,
  lostChange,
  ranksBefore,
  stalledChange,
} from '../../src/core/transition.ts'

const quiet: Observation = { status: null, percent: null, end: null, error: null, statusUrl: null, raw: {} }
const fresh: KnownState = { status: null, percent: null, regressed: false, stalled: false }
const encoding: KnownState = { ...fresh, status: 'encoding', percent: 40 }

const seen = (more: Partial<Observation>): Observation => ({ ...quiet, ...more })
const typesOf = (known: KnownState, more: Partial<Observation>, steps = [1]) =>
  diff(known, seen(more), steps).changes.map(({ type }) => type)

const percent = fc.double({ min: 0, max: 100, noNaN: true })
const step = fc.integer({ min: 1, max: 1000 }).map((tenths) => tenths / 10)
const status = fc.constantFrom('downloading', 'queued', 'encoding', 'saving', 'custom', 'unknown')
const known = fc.record({
  status: fc.option(status),
  percent: fc.option(percent),
  regressed: fc.boolean(),
  stalled: fc.boolean(),
})
const observed = fc
  .record({ status: fc.option(status), percent: fc.option(percent) })
  .map((more) => seen(more))

describe('a change of percent', () => {
  it.each([
    [0, 0.1, 0.1, true],
    [0.2, 0.3, 0.1, true],
    [0.3, 0.3, 0.1, false],
    [41.2, 41.9, 1, false],
    [41.9, 42, 1, true],
    [42, 41.9, 1, true],
    [10, 19.9, 10, false],
    [null, 0, 1, false],
    [null, 0.9, 1, false],
    [null, 1, 1, true],
  ])('from %d to %d with a step of %d counts: %s', (before, after, size, counts) => {
    expect(crossesStep(before, after, size)).toBe(counts)
  })

  it('counts exactly as whole numbers do: floor(percent / step), up or down', () => {
    const hundredths = fc.nat(10_000)
    fc.assert(
      fc.property(hundredths, hundredths, fc.integer({ min: 1, max: 1000 }), (a, b, tenths) => {
        const bucket = (percent: number) => Math.floor(percent / (tenths * 10))
        expect(crossesStep(a / 100, b / 100, tenths / 10)).toBe(bucket(a) !== bucket(b))
      }),
    )
  })

  it('reaches every multiple of a decimal step exactly there, whatever the rounding', () => {
    fc.assert(
      fc.property(step, fc.nat(1000), (size, n) => {
        const multiple = Math.round(n * size * 10) / 10
        fc.pre(n > 0 && multiple <= 100)
        expect(crossesStep(multiple - size / 2, multiple, size)).toBe(true)
        expect(crossesStep(multiple, multiple + size / 2, size)).toBe(false)
      }),
    )
  })
})

describe('the difference to what is known', () => {
  it('is nothing for an answer without news', () => {
    fc.assert(
      fc.property(known, (was) => {
        const { changes } = diff({ ...was, stalled: false }, quiet, [1])
        expect(changes).toEqual([])
      }),
    )
  })

  it('is a transition named after the new status, with the percent that is known', () => {
    expect(diff(encoding, seen({ status: 'saving' }), [1])).toEqual({
      changes: [{ type: 'task.saving', status: 'saving', percent: 40, end: null, error: null }],
      regressed: false,
    })
  })

  it('is progress when any of the steps is crossed', () => {
    expect(typesOf(encoding, { percent: 44 }, [10, 5])).toEqual([])
    expect(typesOf(encoding, { percent: 45 }, [10, 5])).toEqual(['task.progress'])
    expect(typesOf(encoding, { percent: 99 }, [])).toEqual([])
  })

  it('is no progress before a first status', () => {
    expect(typesOf(fresh, { percent: 50 })).toEqual([])
  })

  it('is the end, at once and with its error, whatever is known', () => {
    const error = { code: 3, description: 'no codec' }
    fc.assert(
      fc.property(known, (was) => {
        const { changes, regressed } = diff(was, seen({ status: 'failed', end: 'failed', error }), [])
        expect(changes.at(-1)).toMatchObject({ type: 'task.failed', end: 'failed', error })
        expect(regressed).toBe(false)
      }),
    )
  })

  it('begins with task.resumed after a stall', () => {
    const stalled = { ...encoding, stalled: true }
    expect(typesOf(stalled, {})).toEqual(['task.resumed'])
    expect(typesOf(stalled, { status: 'saving' })).toEqual(['task.resumed', 'task.saving'])
  })

  it('applied again is nothing: the state it leads to is the state that was seen', () => {
    fc.assert(
      fc.property(known, observed, step, (was, what, size) => {
        const first = diff({ ...was, regressed: true }, what, [size])
        const last = first.changes.at(-1)
        fc.pre(last !== undefined && last.type !== 'task.resumed')
        const now = { status: last!.status, percent: last!.percent, regressed: false, stalled: false }
        expect(diff(now, what, [size])).toEqual({ changes: [], regressed: false })
      }),
    )
  })

  it('has at most two changes, the first of two is task.resumed', () => {
    fc.assert(
      fc.property(known, observed, (was, what) => {
        const { changes } = diff(was, what, [1])
        expect(changes.length).toBeLessThanOrEqual(2)
        if (changes.length === 2) expect(changes[0]?.type).toBe('task.resumed')
      }),
    )
  })
})

describe('an answer that ranks before the known state', () => {
  it.each<[Partial<Observation>, boolean]>([
    [{ status: 'queued' }, true],
    [{ status: 'downloading', percent: 90 }, true],
    [{ status: 'encoding', percent: 39 }, true],
    [{ percent: 39 }, true],
    [{ status: 'encoding', percent: 40 }, false],
    [{ status: 'saving', percent: 0 }, false],
    [{ status: 'cancelled', end: 'cancelled', percent: 0 }, false],
  ])('%j after encoding at 40: %s', (more, before) => {
    expect(ranksBefore(encoding, seen(more))).toBe(before)
  })

  it('is taken at the second of two in a row, with the values of the second', () => {
    const first = diff(encoding, seen({ status: 'queued', percent: 1 }), [1])
    expect(first).toEqual({ changes: [], regressed: true })
    const second = diff({ ...encoding, regressed: true }, seen({ status: 'downloading', percent: 2 }), [1])
    expect(second.regressed).toBe(false)
    expect(second.changes).toMatchObject([{ type: 'task.downloading', percent: 2 }])
  })

  it('is taken at once when its status has no rank', () => {
    expect(typesOf(encoding, { status: 'weird' })).toEqual(['task.weird'])
    expect(typesOf({ ...encoding, status: 'weird' }, { status: 'queued' })).toEqual(['task.queued'])
  })

  it('is one where its smaller percent is still in the same step: what is even smaller is the second', () => {
    const at = { ...encoding, percent: 42.5 }
    expect(diff(at, seen({ percent: 42.1 }), [1, 10])).toEqual({ changes: [], regressed: true })
    const after = { ...at, regressed: true }
    expect(diff(after, seen({ percent: 42.1 }), [1, 10])).toEqual({ changes: [], regressed: true })
    expect(diff(after, seen({ percent: 30 }), [1, 10]).changes).toMatchObject([{ percent: 30 }])
  })

  it('is forgotten when the next one does not', () => {
    expect(diff({ ...encoding, regressed: true }, seen({ percent: 40 }), [1])).toEqual({
      changes: [],
      regressed: false,
    })
  })
})

it('changes of the relay itself keep the percent, and a lost task has ended', () => {
  expect(stalledChange(encoding)).toMatchObject({ type: 'task.stalled', status: 'encoding', percent: 40 })
  expect(lostChange(encoding)).toMatchObject({ type: 'task.lost', status: 'lost', percent: 40, end: 'lost' })
})

it('a lost task that is registered again has no status until upstream names one', () => {
  const lost = { ...encoding, status: 'lost' }
  expect(typesOf(lost, { percent: 60 })).toEqual([])
  expect(typesOf(lost, { status: 'encoding' })).toEqual(['task.encoding'])
})

it('only ends and expiry are terminal', () => {
  const terminal = ['completed', 'failed', 'cancelled', 'lost', 'expired'].map((word) => `task.${word}`)
  expect(terminal.every(isTerminalType)).toBe(true)
  expect(['task.progress', 'task.stalled', 'task.saved', 'pollhook.test', ''].some(isTerminalType)).toBe(
    false,
  )
})
