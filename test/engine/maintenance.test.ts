/** When finished tasks are forgotten, and what is told of it; what goes is in test/retention. */
import { expect, it, vi } from 'vitest'
import { createMaintenance } from '../../src/engine/maintenance.ts'
import type { Forgotten } from '../../src/store/retention.ts'
import { manualTimer } from '../support/manual-timer.ts'
import { hour, minute } from './world.ts'

function open(forgetFinished: (after: number, before: number) => Forgotten, retentionMs = 24 * hour) {
  const timers = manualTimer()
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const store = { forgetFinished }
  const maintenance = createMaintenance({ store, now: () => 0, random: () => 0.5, timers, log, retentionMs })
  return { maintenance, timers, log }
}

const nothing: Forgotten = { tasks: 0, subscriptions: 0, deliveries: 0, pending: 0, after: null }

it('a round is told of once, with what it forgot in all its commits, and one that forgot nothing is not', () => {
  const commits: Forgotten[] = [
    { tasks: 1, subscriptions: 0, deliveries: 2, pending: 1, after: 7 },
    { tasks: 1, subscriptions: 0, deliveries: 3, pending: 0, after: null },
    nothing,
    { tasks: 1, subscriptions: 0, deliveries: 1, pending: 1, after: null },
  ]
  const walked: number[] = []
  const { maintenance, timers, log } = open((after) => {
    walked.push(after)
    return commits.shift()!
  })
  maintenance.start()
  while (commits.length > 0) timers.fire()
  expect(walked).toEqual([0, 7, 0, 0])
  expect(log.info.mock.calls).toEqual([
    ['retention', { tasks: 2, deliveries: 5, pending: 1, reason: 'retention' }],
    ['retention', { tasks: 1, deliveries: 1, pending: 1, reason: 'retention' }],
  ])
})

it('a round that fails is told of, and the next one comes', () => {
  let fails = true
  const forget = vi.fn(() => {
    if (fails) throw new Error('database or disk is full')
    return nothing
  })
  const { maintenance, timers, log } = open(forget)
  maintenance.start()
  timers.fire()
  expect(log.error).toHaveBeenCalledOnce()
  expect(timers.ms).toBe(10 * minute)
  fails = false
  timers.fire()
  expect(forget).toHaveBeenCalledTimes(2)
})

it('after a stop no round comes', () => {
  const { maintenance, timers } = open(() => nothing)
  maintenance.start()
  expect(timers.cancelled).toBe(false)
  maintenance.stop()
  expect(timers.cancelled).toBe(true)
})
