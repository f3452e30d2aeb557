/** Deliberate bugs on the upstream side: polls that come too soon or carry too much, answers that are misread. */
import type { StatusAnswer } from '../../src/ports.ts'
import type { Mutation } from './simulate.ts'

/** Changes what the relay is told by upstream. */
function told(change: (answer: StatusAnswer) => StatusAnswer): NonNullable<Mutation['upstream']> {
  return (upstream) => ({ status: async (origin, tokens) => change(await upstream.status(origin, tokens)) })
}

export const brokenPolls: Mutation[] = [
  {
    name: 'polls more often than it may',
    rule: '5.2 poll interval',
    config: (config) => ({ ...config, poll: { ...config.poll, intervalMs: 1000 } }),
  },
  {
    name: 'polls more seldom than it promises',
    rule: '5.2 polls go on',
    shownBy: 23,
    config: ({ poll, ...config }) => ({
      ...config,
      poll: { ...poll, intervalMs: 10 * poll.intervalMs, intervalMaxMs: 10 * poll.intervalMaxMs },
    }),
  },
  {
    name: 'overfills its calls',
    rule: '5.1 batches',
    shownBy: 23,
    config: (config) => ({ ...config, poll: { ...config.poll, batch: config.poll.batch + 5 } }),
  },
  {
    name: 'calls a host too often at once',
    rule: '5 concurrency per host',
    needs: ['slowUpstream'],
    config: (config) => ({ ...config, poll: { ...config.poll, batch: 1, concurrency: 50 } }),
  },
  {
    name: 'takes every other call for failed without making it',
    rule: '3 last poll',
    upstream(upstream) {
      let n = 0
      const failed: StatusAnswer = { kind: 'failed', reason: 'network' }
      return {
        status: (origin, tokens) =>
          ++n % 2 === 0 ? Promise.resolve(failed) : upstream.status(origin, tokens),
      }
    },
  },
  {
    name: 'overlooks that upstream is busy',
    rule: '5.4 busy',
    shownBy: 28,
    needs: ['busy'],
    upstream: told((answer) => (answer.kind === 'busy' ? { kind: 'failed', reason: 'network' } : answer)),
  },
  {
    name: 'never leaves a failing host alone',
    rule: '5.3 back-off',
    needs: ['slowUpstream'],
    upstream: told((answer) =>
      answer.kind === 'failed' ? { kind: 'statuses', statuses: new Map() } : answer,
    ),
  },
  {
    name: 'follows a status_url wherever it leads',
    rule: '5.2 allowed hosts',
    needs: ['moves'],
    config: (config) => ({
      ...config,
      upstream: {
        ...config.upstream,
        hostPatterns: [{ host: 'example.com', below: true, port: null }, ...config.upstream.hostPatterns],
      },
    }),
  },
  {
    name: 'makes up a status',
    rule: '5 transitions',
    upstream: told((answer) => {
      if (answer.kind !== 'statuses') return answer
      const statuses = [...answer.statuses].map(
        ([token, entry]) => [token, { ...entry, percent: 50 }] as const,
      )
      return { ...answer, statuses: new Map(statuses) }
    }),
  },
  {
    name: 'takes every completed task for failed',
    rule: '4.1 healed is delivered',
    shownBy: 23,
    upstream: told((answer) => {
      if (answer.kind !== 'statuses') return answer
      const statuses = [...answer.statuses].map(([token, entry]) => {
        const isCompleted = entry.status === 'completed' || entry.status === 'saved'
        return [token, isCompleted ? { ...entry, status: 'error', error: 1 } : entry] as const
      })
      return { ...answer, statuses: new Map(statuses) }
    }),
  },
  {
    name: 'writes down only the first answer of a pass',
    rule: '5 transitions',
    shownBy: 28,
    store: (store) => ({
      ...store,
      recordPoll: (results, limits, now, inFlight) =>
        store.recordPoll(results.slice(0, 1), limits, now, inFlight),
    }),
  },
  {
    name: 'declares a task lost at its first absence',
    rule: '5 transitions',
    needs: ['unknownTokens'],
    store: (store) => ({
      ...store,
      recordPoll: (results, limits, now, inFlight) =>
        store.recordPoll(results, { ...limits, lostAfterMs: 0 }, now, inFlight),
    }),
  },
  {
    name: 'never tells a stall',
    rule: '3 stalls are told',
    needs: ['outage'],
    store: (store) => ({
      ...store,
      recordPoll: (results, limits, now, inFlight) =>
        store.recordPoll(results, { ...limits, stalledAfterMs: Number.POSITIVE_INFINITY }, now, inFlight),
    }),
  },
  {
    name: 'goes on polling a task that has ended',
    rule: '5.6 no poll after an end',
    store: (store) => ({
      ...store,
      recordPoll(results, limits, now, inFlight) {
        const before = store.watchesOf(results.map(({ token }) => token))
        const records = store.recordPoll(results, limits, now, inFlight)
        return records.map((record) => ({
          ...record,
          watch: record.watch ?? before.get(record.token) ?? null,
        }))
      },
    }),
  },
  {
    name: 'puts a bad token back among the others',
    rule: '5.4 asked alone',
    shownBy: 22,
    needs: ['badTokens'],
    store: (store) => ({
      ...store,
      recordPoll: (results, limits, now, inFlight) =>
        store.recordPoll(results, limits, now, inFlight).map((record) => ({
          ...record,
          // Among those that upstream knows: with the others that it never has known there is seldom one in a call.
          watch: record.watch?.askedAlone
            ? { ...record.watch, askedAlone: false, status: 'queued' }
            : record.watch,
        })),
    }),
  },
]
