import { expect, it, vi } from 'vitest'
import { createRecorder } from '../../src/engine/recorder.ts'
import type { PollResult } from '../../src/store/polls.ts'
import { lockedError } from '../support/locked.ts'

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
  /** One turn of the runtime, with what follows from it. @returns how much is to be run in the next */
  async function turn(): Promise<number> {
    for (const work of soon.splice(0)) work()
    await new Promise((resolve) => setImmediate(resolve))
    return soon.length
  }
  return { record, log, turn }
}

it('what arrives together shares commits of 500 results at most, in the order it came', async () => {
  const commits: string[][] = []
  const { record, turn } = recorder((results) => {
    commits.push(results.map(({ token }) => token))
    return []
  })
  const all = [record(news(300)), record(news(900, 300)), record(news(1, 1_200))]
  while ((await turn()) > 0);
  await Promise.all(all)
  expect(commits.map((tokens) => tokens.length)).toEqual([500, 500, 201])
  expect(commits.flat()).toEqual(news(1_201).map(({ token }) => token))
})

it('however much arrives together, one commit is made before requests and answers have their turn', async () => {
  const commits: number[] = []
  const { record, turn } = recorder((results) => {
    commits.push(results.length)
    return []
  })
  const first = record(news(1_201))
  expect(await turn()).toBe(1)
  expect(commits).toEqual([500])
  // What comes meanwhile joins what waits.
  const second = record(news(99, 1_201))
  expect(await turn()).toBe(1)
  expect(await turn()).toBe(0)
  await Promise.all([first, second])
  expect(commits).toEqual([500, 500, 300])
  const third = record(news(1, 1_300))
  expect(await turn()).toBe(0)
  await third
  expect(commits).toEqual([500, 500, 300, 1])
})

it('an answer that is split between two commits is on disk only with the second', async () => {
  const { record, turn } = recorder(() => [])
  let isWritten = false
  const done = record(news(501)).then(() => {
    isWritten = true
  })
  expect(await turn()).toBe(1)
  expect(isWritten).toBe(false)
  await turn()
  await done
})

it('one result that cannot be written does not take the others with it', async () => {
  const written: string[] = []
  const { record, turn, log } = recorder((results) => {
    if (results.some(({ token }) => token === 'token 1')) throw new Error('refused')
    written.push(...results.map(({ token }) => token))
    return []
  })
  const all = record(news(3))
  await turn()
  await all
  expect(written).toEqual(['token 0', 'token 2'])
  expect(log.error).toHaveBeenCalledTimes(1)
})

it('a full disk is told of once a commit, however many results are in it', async () => {
  const { record, turn, log } = recorder(() => {
    throw new Error('database or disk is full')
  })
  const all = record(news(300))
  await turn()
  await all
  expect(log.error.mock.calls.map(([, fields]) => fields.results)).toEqual([300])
})

it.each([0, 1])(
  'another program that holds the file is waited for once, not for each, after %i refusals',
  async (refusals) => {
    const locked = lockedError()
    let commits = 0
    const { record, log, turn } = recorder(() => {
      commits++
      throw commits > refusals ? locked : new Error('refused')
    })
    const done = record(news(100))
    await turn()
    await done
    expect(commits).toBe(refusals + 1)
    expect(log.error).toHaveBeenCalledExactlyOnceWith(expect.any(String), { error: locked, results: 100 })
  },
)
