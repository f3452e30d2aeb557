import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { hostBackoffMs, jittered, pollWaitMs, retryAfterMs, retryAfterMsMax } from '../../src/core/backoff.ts'

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const wait = fc.nat(36_000_000)
const now = Date.parse('2026-11-23T10:00:00.000Z')

describe('jitter', () => {
  it('stays within a fifth of the wait', () => {
    fc.assert(
      fc.property(wait, chance, (ms, luck) => {
        expect(jittered(ms, luck)).toBeGreaterThanOrEqual(Math.round(ms * 0.8))
        expect(jittered(ms, luck)).toBeLessThanOrEqual(Math.round(ms * 1.2))
        expect(Number.isInteger(jittered(ms, luck))).toBe(true)
      }),
    )
  })

  it('is both ways', () => {
    expect([0, 0.5, 0.999_999].map((luck) => jittered(1000, luck))).toEqual([800, 1000, 1200])
  })
})

describe('the wait after a poll', () => {
  const limits = { intervalMs: 5_000, intervalMaxMs: 30_000 }

  it.each([
    [0, 5_000],
    [10_000, 10_000],
    [50_000, 30_000],
    [86_400_000, 30_000],
    [-5_000, 5_000],
  ])('%d ms after a change is %d ms', (sinceChangeMs, expected) => {
    expect(pollWaitMs({ ...limits, sinceChangeMs, chance: 0 })).toBe(expected)
  })

  it('is never shorter than the interval, nor longer than a tenth above the longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), chance, (sinceChangeMs, luck) => {
        const ms = pollWaitMs({ ...limits, sinceChangeMs, chance: luck })
        expect(ms).toBeGreaterThanOrEqual(limits.intervalMs)
        expect(ms).toBeLessThanOrEqual(limits.intervalMaxMs * 1.1)
      }),
    )
  })
})

describe('the back-off of a host', () => {
  const limits = { intervalMs: 5_000, intervalMaxMs: 30_000, chance: 0.5 }

  it.each([
    [1, 5_000],
    [2, 10_000],
    [3, 20_000],
    [4, 30_000],
    [1_000_000, 30_000],
  ])('after %d failures is %d ms', (failures, expected) => {
    expect(hostBackoffMs({ ...limits, failures })).toBe(expected)
  })

  it('grows with the failures', () => {
    fc.assert(
      fc.property(fc.nat(100), (failures) => {
        const waitAfter = (count: number) => hostBackoffMs({ ...limits, failures: count })
        expect(waitAfter(failures + 1)).toBeGreaterThanOrEqual(waitAfter(failures))
      }),
    )
  })
})

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['36000', retryAfterMsMax],
    ['36001', retryAfterMsMax],
    ['9'.repeat(400), retryAfterMsMax],
    ['Mon, 23 Nov 2026 10:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 09:00:00 GMT', 0],
    ['Wed, 23 Nov 2033 10:00:00 GMT', retryAfterMsMax],
    ['6, 6', 6_000],
    ['6,30', 30_000],
    ['7, soon', 7_000],
    ['November 23, 2026 10:00:30 GMT', 30_000],
    ['Mon, Nov 23, 2026 10:00:30 GMT, 7', 30_000],
    ['7, ', 7_000],
    [', 7', 7_000],
    ['7, 1.5', 7_000],
    ['7,-1', 7_000],
    ['Mon, 23 Nov 2026 10:00:30 GMT, Mon, 23 Nov 2026 10:01:00 GMT', 60_000],
    ['Monday, 23-Nov-26 10:00:30 GMT, 7', 30_000],
    ['7,Mon Nov 23 10:00:30 2026', 30_000],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['2026-11-23', null],
    ['', null],
    [null, null],
  ])('%j is %d ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected)
  })

  it.each(['UTC', 'America/New_York', 'Europe/Berlin'])(
    'in any of the three forms of a date is UTC, also in %s',
    (zone) => {
      vi.stubEnv('TZ', zone)
      const forms = [
        'Mon, 23 Nov 2026 10:00:30 GMT',
        'Monday, 23-Nov-26 10:00:30 GMT',
        'Mon Nov 23 10:00:30 2026',
      ]
      expect(
        ['Mon Nov 23 2026 05:00:30 GMT-0500 (Eastern Standard Time)', 'Mon, 23 Nov 2026 05:00:30 EST'].map(
          (form) => retryAfterMs(form, now),
        ),
      ).toEqual([30_000, 30_000])
      expect(forms.map((form) => retryAfterMs(form, now))).toEqual([30_000, 30_000, 30_000])
      vi.unstubAllEnvs()
    },
  )

  it('is between nothing and 10 hours, or unreadable', () => {
    const header = fc.oneof(
      fc.string(),
      fc.nat().map(String),
      fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
    )
    fc.assert(
      fc.property(header, (text) => {
        const ms = retryAfterMs(text, now)
        if (ms === null) return
        expect(ms).toBeGreaterThanOrEqual(0)
        expect(ms).toBeLessThanOrEqual(retryAfterMsMax)
      }),
    )
  })
})
