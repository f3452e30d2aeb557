import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterAttempt,
  afterClockBack,
  afterPause,
  circuitOpen,
  circuitOpensAfter,
  type EndpointHealth,
  healthy,
  isFailure,
  isUnavailable,
  owesWaits,
} from '../../src/core/endpoint.ts'
import type { Outcome } from '../../src/core/outcome.ts'

const now = Date.parse('2026-11-23T10:00:00.000Z')
const terminalScheduleMs = [5_000, 300_000, 1_800_000]

function rejected(statusCode: number, retryAfter: string | null = null): Outcome {
  return { kind: 'rejected', statusCode, retryAfter, responseBody: null }
}
const accepted: Outcome = { kind: 'accepted', statusCode: 200, responseBody: null }
const refused: Outcome = { kind: 'refused', errorCode: 'blocked_address' }
const reset: Outcome = { kind: 'unreachable', errorCode: 'connection_reset' }

/** Each a second after the one before; a probe when the circuit is open. */
function healthAfter(outcomes: readonly Outcome[], from: EndpointHealth = healthy): EndpointHealth {
  return outcomes.reduce<EndpointHealth>(
    (health, outcome, index) =>
      afterAttempt(health, {
        outcome,
        probe: circuitOpen(health),
        at: now + index * 1000,
        chance: 0.5,
        terminalScheduleMs,
      }),
    from,
  )
}

const nine = Array.from({ length: circuitOpensAfter - 1 }, () => rejected(500))
const outcome = fc.oneof(
  fc.constantFrom(accepted, refused, reset),
  fc.constantFrom(404, 429, 500, 503).map((status) => rejected(status)),
  fc.nat(40_000).map((seconds) => rejected(429, String(seconds))),
)

describe('the circuit', () => {
  it('opens at the tenth failure in a row, with a probe to come', () => {
    expect(circuitOpen(healthAfter(nine))).toBe(false)
    const open = healthAfter([...nine, reset])
    expect(circuitOpen(open)).toBe(true)
    expect(open).toMatchObject({ failingSince: now, unavailableSince: now + 9_000, probes: 1 })
    expect(open.nextProbeAt).toBe(now + 9_000 + 5_000)
  })

  it.each([200, 302, 404, 410])('is closed and its count reset by %d', (status) => {
    const outcomeOf = status === 200 ? accepted : rejected(status)
    const closed = healthAfter([...nine, reset, outcomeOf])
    expect(closed).toMatchObject({
      failures: 0,
      failingSince: null,
      unavailableSince: null,
      nextProbeAt: null,
    })
    expect(circuitOpen(healthAfter([...nine, outcomeOf, ...nine]))).toBe(false)
  })

  it('closed by a refusal, owes what waits until a success, and counts its probes anew when it opens again', () => {
    const closed = healthAfter([...nine, reset, reset, rejected(404), rejected(500)])
    expect([circuitOpen(closed), owesWaits(closed)]).toEqual([false, true])
    const success = { outcome: accepted, probe: false, at: now, chance: 0.5, terminalScheduleMs }
    expect(owesWaits(afterAttempt(closed, success))).toBe(false)
    const open = healthAfter([...nine, reset], closed)
    expect([circuitOpen(open), owesWaits(open)]).toEqual([true, false])
    expect(healthAfter([...nine], closed)).toMatchObject({ probes: 1, nextProbeAt: now + 8_000 + 5_000 })
  })

  it.each([
    ['failed', reset],
    ['was refused', refused],
  ])('owes nothing because of a probe that %s after it was closed', (_how, late) => {
    const closed = healthAfter([...nine, reset, accepted])
    const probe = { outcome: late, probe: true, at: now + 60_000, chance: 0.5, terminalScheduleMs }
    expect(owesWaits(afterAttempt(closed, probe))).toBe(false)
  })

  it('is open exactly when the last ten answers were failures, refusals aside', () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 40 }), (outcomes) => {
        const counted = outcomes.filter(({ kind }) => kind !== 'refused')
        const row = counted.length - 1 - counted.findLastIndex((one) => !isFailure(one))
        expect(circuitOpen(healthAfter(outcomes))).toBe(row >= circuitOpensAfter)
      }),
    )
  })

  it('is probed by the terminal schedule, every 5 minutes at last', () => {
    let health = healthAfter([...nine, reset])
    const waits: number[] = []
    for (let n = 0; n < 4; n++) {
      const at = health.nextProbeAt ?? now
      health = afterAttempt(health, { outcome: reset, probe: true, at, chance: 0.9, terminalScheduleMs })
      waits.push((health.nextProbeAt ?? 0) - at)
    }
    expect(waits).toEqual([300_000, 300_000, 300_000, 300_000])
  })

  it('is not moved by an attempt that began before it opened', () => {
    const open = healthAfter([...nine, reset])
    const late = { outcome: reset, probe: false, at: now + 60_000, chance: 0.5, terminalScheduleMs }
    expect(afterAttempt(open, late)).toMatchObject({ nextProbeAt: open.nextProbeAt, probes: 1 })
  })

  it('stays open after a refusal, which says nothing of the endpoint, and is probed later', () => {
    const open = healthAfter([...nine, reset])
    const probed = healthAfter([refused], open)
    expect(probed).toMatchObject({ failures: open.failures, probes: 2 })
    expect(healthAfter([refused])).toEqual(healthy)
  })
})

describe('Retry-After', () => {
  it('keeps the endpoint waiting, and a shorter one later does not shorten it', () => {
    const asked = healthAfter([rejected(429, '60'), rejected(503, '5')])
    expect(asked.retryAfterUntil).toBe(now + 60_000)
    expect(isUnavailable(asked, now + 59_999)).toBe(true)
    expect(isUnavailable(asked, now + 60_000)).toBe(false)
    expect(asked.unavailableSince).toBe(now)
  })

  it('goes on over a success that comes before its time', () => {
    const asked = healthAfter([rejected(429, '60'), accepted])
    expect(asked).toMatchObject({ failures: 0, retryAfterUntil: now + 60_000, unavailableSince: now })
    expect(asked.lastSuccessAt).toBe(now + 1_000)
  })

  it('keeps what waits waiting since the first time, also over failures that asked for nothing', () => {
    const failed = healthAfter([rejected(429, '1'), rejected(500)])
    expect([isUnavailable(failed, now + 1_000), failed.unavailableSince]).toEqual([false, now])
    expect(healthAfter([rejected(503, '60')], failed).unavailableSince).toBe(now)
    expect(afterPause(failed, now + 5_000).unavailableSince).toBe(now + 5_000)
    expect(afterPause(healthy, now).unavailableSince).toBeNull()
  })

  it('holds for ten hours at most', () => {
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 20 }), (outcomes) => {
        const { retryAfterUntil } = healthAfter(outcomes)
        expect(retryAfterUntil ?? 0).toBeLessThanOrEqual(now + outcomes.length * 1000 + 36_000_000)
      }),
    )
  })
})

it('after the clock was set back nothing began in the future, and what ends does so as soon as it would have', () => {
  const open = healthAfter([accepted, rejected(429, '60'), ...nine])
  const hour = 3_600_000
  const at = now + 10_000 - hour
  expect(afterClockBack(open, hour, at)).toEqual({
    ...open,
    failingSince: at,
    unavailableSince: at,
    lastSuccessAt: at,
    nextProbeAt: (open.nextProbeAt ?? 0) - hour,
    retryAfterUntil: (open.retryAfterUntil ?? 0) - hour,
  })
})

it('health that says nothing is wrong knows of nothing since when', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 40 }), (outcomes) => {
      const health = healthAfter(outcomes)
      expect(health.failingSince !== null).toBe(health.failures > 0)
      if (isUnavailable(health, now + outcomes.length * 1000)) expect(health.unavailableSince).not.toBeNull()
      expect(health.nextProbeAt !== null).toBe(circuitOpen(health))
    }),
  )
})
