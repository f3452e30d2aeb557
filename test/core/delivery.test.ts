import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AttemptedDelivery, askedWaitMs, decide, rank } from '../../src/core/delivery.ts'
import type { Outcome } from '../../src/core/outcome.ts'

const now = Date.parse('2026-11-23T10:00:00.000Z')
const schedules = { terminalMs: [5_000, 300_000], interimMs: [1_000] }
const context = { schedules, now, chance: 0.5 }
const terminal: AttemptedDelivery = {
  type: 'task.completed',
  rank: rank.regular,
  tries: 1,
  everAccepted: false,
  newerExists: false,
}
const progress = { ...terminal, type: 'task.progress' }

function rejected(statusCode: number, retryAfter: string | null = null): Outcome {
  return { kind: 'rejected', statusCode, retryAfter, responseBody: null }
}
const timeout: Outcome = { kind: 'unreachable', errorCode: 'timeout' }

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant(timeout),
  fc.constant<Outcome>({ kind: 'unreachable', errorCode: 'dns_error' }),
  fc.constant<Outcome>({ kind: 'refused', errorCode: 'blocked_address' }),
  fc
    .tuple(fc.integer({ min: 300, max: 599 }), fc.option(fc.nat(40_000).map(String)))
    .map(([status, header]) => rejected(status, header)),
)
const delivery = fc.record({
  type: fc.constantFrom('task.completed', 'task.expired', 'task.encoding', 'task.progress', 'pollhook.test'),
  rank: fc.constantFrom(rank.test, rank.redelivery, rank.regular),
  tries: fc.integer({ min: 1, max: 5 }),
  everAccepted: fc.boolean(),
  newerExists: fc.boolean(),
})
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('what becomes of a delivery', () => {
  it('an accepted attempt delivers it, whatever it is', () => {
    fc.assert(
      fc.property(delivery, (one) => {
        expect(decide(one, { kind: 'accepted', statusCode: 204, responseBody: null }, context)).toEqual({
          state: 'delivered',
        })
      }),
    )
  })

  it('waits by the schedule of its kind, and is exhausted behind its last wait', () => {
    const decided = (one: AttemptedDelivery) => decide(one, rejected(500), context)
    expect(decided(terminal)).toEqual({ state: 'pending', nextAttemptAt: now + 5_000 })
    expect(decided({ ...terminal, tries: 2 })).toEqual({ state: 'pending', nextAttemptAt: now + 300_000 })
    expect(decided({ ...terminal, tries: 3 })).toEqual({ state: 'exhausted', reason: 'attempts_exhausted' })
    expect(decided(progress)).toEqual({ state: 'pending', nextAttemptAt: now + 1_000 })
    expect(decided({ ...progress, tries: 2 })).toEqual({ state: 'exhausted', reason: 'attempts_exhausted' })
  })

  it('a 410 cancels it, unless it was accepted before', () => {
    expect(decide(terminal, rejected(410), context)).toEqual({ state: 'cancelled', reason: 'gone' })
    expect(decide({ ...terminal, everAccepted: true }, rejected(410), context)).toEqual({
      state: 'delivered',
    })
  })

  it('progress that failed is superseded by what is newer, but not when it was asked for again', () => {
    const older = { ...progress, newerExists: true }
    expect(decide(older, rejected(500), context)).toEqual({ state: 'superseded', reason: 'newer_event' })
    const again = { ...older, rank: rank.redelivery }
    expect(decide(again, rejected(500), context).state).toBe('pending')
    expect(decide({ ...older, type: 'task.encoding' }, rejected(500), context).state).toBe('pending')
  })

  it('what was ever accepted never ends badly', () => {
    fc.assert(
      fc.property(delivery, outcome, (one, what) => {
        fc.pre(one.type !== 'task.progress' || one.rank !== rank.regular)
        const { state } = decide({ ...one, everAccepted: true }, what, context)
        expect(['pending', 'delivered']).toContain(state)
      }),
    )
  })
})

describe('the wait', () => {
  it('is at least a minute after a timeout or a bare 429, for a terminal event with a schedule of seconds', () => {
    for (const overload of [timeout, rejected(429)]) {
      expect(decide(terminal, overload, context)).toMatchObject({ nextAttemptAt: now + 60_000 })
      expect(decide(progress, overload, context)).toMatchObject({ nextAttemptAt: now + 1_000 })
      const quick = { ...context, schedules: { ...schedules, terminalMs: [4_999] } }
      expect(decide(terminal, overload, quick)).toMatchObject({ nextAttemptAt: now + 4_999 })
      expect(decide({ ...terminal, tries: 2 }, overload, context)).toMatchObject({
        nextAttemptAt: now + 300_000,
      })
    }
    expect(decide(terminal, rejected(429, '7'), context)).toMatchObject({ nextAttemptAt: now + 7_000 })
    for (const other of [rejected(503), { kind: 'unreachable', errorCode: 'connection_reset' } as const]) {
      expect(decide(terminal, other, context)).toMatchObject({ nextAttemptAt: now + 5_000 })
    }
  })

  it('is never shorter than Retry-After, nor than four fifths of the schedule', () => {
    fc.assert(
      fc.property(delivery, outcome, chance, (one, what, luck) => {
        const decision = decide(one, what, { ...context, chance: luck })
        fc.pre(decision.state === 'pending')
        const waitMs = (decision as { nextAttemptAt: number }).nextAttemptAt - now
        expect(waitMs).toBeGreaterThanOrEqual(askedWaitMs(what, now) ?? 0)
        expect(waitMs).toBeGreaterThanOrEqual(800)
        expect(waitMs).toBeLessThanOrEqual(36_000_000)
      }),
    )
  })

  it('only 429 and 503 may ask for one, ten hours at most', () => {
    expect(askedWaitMs(rejected(429, '3'), now)).toBe(3_000)
    expect(askedWaitMs(rejected(503, '90000'), now)).toBe(36_000_000)
    expect(askedWaitMs(rejected(500, '3'), now)).toBeNull()
    expect(askedWaitMs(timeout, now)).toBeNull()
  })
})
