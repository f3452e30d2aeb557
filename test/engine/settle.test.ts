/** What could not be settled is kept and tried again, and told of in as few words as one commit. */
import { expect, it, vi } from 'vitest'
import { healthy } from '../../src/core/endpoint.ts'
import { createLane } from '../../src/engine/lane.ts'
import { createSettler, type Unsettled } from '../../src/engine/settle.ts'
import type { Settlement } from '../../src/store/settling.ts'
import { lockedError } from '../support/locked.ts'
import { accepted } from './world.ts'

const lane = createLane(
  {
    id: 1,
    ownerId: 1,
    origin: 'https://app.example.com',
    paused: false,
    maxConcurrency: null,
    maxPerSecond: null,
    health: healthy,
  },
  256,
  0,
)

function settler(refuses: (id: number) => boolean, refusal = () => new Error('refused')) {
  const waiting: (() => void)[] = []
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const written: number[] = []
  const tries: number[] = []
  const recoveries: { id: number; failedSince: readonly number[] }[] = []
  const delays: number[] = []
  const { add } = createSettler<number>({
    store: {
      settleDeliveries(items, { recovered }) {
        tries.push(items.length)
        if (items.some(({ delivery }) => refuses(delivery.id))) throw refusal()
        recoveries.push(...recovered.map(({ id, failedSince }) => ({ id, failedSince })))
        return items.map(() => ({ state: 'delivered', ended: true, gone: null }))
      },
    },
    schedules: { terminalMs: [], interimMs: [] },
    now: () => 0,
    timers: {
      after(ms, work) {
        delays.push(ms)
        waiting.push(work)
        return () => waiting.splice(waiting.indexOf(work), 1)
      },
    },
    log,
    isAskedAgain: () => false,
    onWritten: (items) => void written.push(...items.map(({ flight }) => flight)),
    onRecovered: () => {},
  })
  for (let id = 0; id < 100; id++) add(unsettled(id))
  return { log, written, tries, recoveries, delays, round: () => waiting.shift()?.() }
}

function unsettled(id: number): Unsettled<number> {
  const delivery = { id, attempts: 0 }
  const settlement: Settlement = { delivery, outcome: accepted, at: 0, durationMs: 0, url: '', chance: 0 }
  return { flight: id, lane, settlement }
}

it('a full disk is told of once a round, however many attempts wait for it', () => {
  let full = true
  const { log, written, delays, round } = settler(() => full)
  round()
  round()
  expect(log.error.mock.calls.map(([, fields]) => fields.attempts)).toEqual([100, 100])
  full = false
  round()
  expect(written).toHaveLength(100)
  expect(log.error).toHaveBeenCalledTimes(2)
  // At once, a second after each that failed, and a rest after what was written.
  expect(delays).toEqual([0, 1_000, 1_000, 20])
})

it('one attempt that cannot be settled does not take the others with it, and is tried again', () => {
  let refused = 7
  const { log, written, round } = settler((id) => id === refused)
  round()
  expect(written).toHaveLength(99)
  expect(log.error.mock.calls.map(([, fields]) => fields.attempts)).toEqual([1])
  refused = -1
  round()
  expect(written.at(-1)).toBe(7)
})

it('what ended an outage is told of with its own commit, and with what failed after it', () => {
  lane.recoveredBy = 97
  const together = settler(() => false)
  together.round()
  expect(together.recoveries).toEqual([{ id: 1, failedSince: [98, 99] }])
  expect(lane.recoveredBy).toBeNull()
  // Where they are written one by one, each with its own commit: nothing has failed since.
  lane.recoveredBy = 97
  const alone = settler((id) => id === 7)
  alone.round()
  expect(alone.recoveries).toEqual([{ id: 1, failedSince: [] }])
  lane.recoveredBy = 7
  const refused = settler((id) => id === 7)
  refused.round()
  expect([refused.recoveries, lane.recoveredBy]).toEqual([[], 7])
  lane.recoveredBy = null
})

it.each([0, 1])(
  'another program that holds the file is waited for once, not for each, after %i refusals',
  (refusals) => {
    let isLocked = true
    const locked = lockedError()
    const { written, tries, round } = settler(
      () => isLocked,
      () => (tries.length > refusals ? locked : new Error('refused')),
    )
    round()
    expect(tries).toEqual([100, 1].slice(0, refusals + 1))
    isLocked = false
    round()
    expect(written).toHaveLength(100)
  },
)
