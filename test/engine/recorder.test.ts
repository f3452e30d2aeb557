import { expect, it, vi } from 'vitest'
import { createRecorder } from '../../src/engine/recorder.ts'
import type { PollResult } from '../../src/store/polls.ts'

const news = (count: number, from = 0): PollResult[] =>
  Array.from({ length: count }, (_, i) => ({
    token: `token ${from + i}`,
    answer: { kind: 'failed' },
    polledAt: 0,
  }))

function recorder(recordPoll: (results: readonly PollResult[]) => never[]) {
  const soon: (() => void)[] = []
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const record = createRecorder({
    store: { recordPoll },
    limits: { lostAfterMs: 1, stalledAfterMs: 1, pollMsMax: 1 },
    now: () => 0,
    timers: {
      after(_ms, work) {
        soon.push(work)
        return () => {}
      },
    },
    log,
    inFlight: () => false,
    onRecorded() {},
  })
  return { record, log, run: () => soon.splice(0).forEach((work) => void work()) }
}

it('what arrives together shares commits of 500 results at most, in the order it came', async () => {
  const commits: string[][] = []
  const { record, run } = recorder((results) => {
    commits.push(results.map(({ token }) => token))
    return []
  })
  const all = [record(news(300)), record(news(900, 300)), record(news(1, 1_200))]
  run()
  await Promise.all(all)
  expect(commits.map((tokens) => tokens.length)).toEqual([500, 500, 201])
  expect(commits.flat()).toEqual(news(1_201).map(({ token }) => token))
})

it('one result that cannot be written does not take the others with it', async () => {
  const written: string[] = []
  const { record, run, log } = recorder((results) => {
    if (results.some(({ token }) => token === 'token 1')) throw new Error('refused')
    written.push(...results.map(({ token }) => token))
    return []
  })
  const all = record(news(3))
  run()
  await all
  expect(written).toEqual(['token 0', 'token 2'])
  expect(log.error).toHaveBeenCalledTimes(1)
})

it('a full disk is told of once a commit, however many results are in it', async () => {
  const { record, run, log } = recorder(() => {
    throw new Error('database or disk is full')
  })
  const all = record(news(300))
  run()
  await all
  expect(log.error.mock.calls.map(([, fields]) => fields.results)).toEqual([300])
})
