/**
 * Deliberate bugs, put between the relay and what it is given: for each rule of the promise at least one
 * that the checks must catch. A check that catches none would prove nothing.
 */
import type { Outcome } from '../../src/core/outcome.ts'
import { brokenCommands } from './mutations-commands.ts'
import { brokenPolls } from './mutations-polls.ts'
import { brokenStores } from './mutations-store.ts'
import type { Mutation } from './simulate.ts'

/** Changes what the relay is told of each attempt. */
function told(change: (outcome: Outcome) => Outcome): NonNullable<Mutation['sender']> {
  return (sender) => ({
    async send(request, isWanted) {
      const outcome = await sender.send(request, isWanted)
      return outcome && change(outcome)
    },
  })
}

const isFailure = (outcome: Outcome) =>
  outcome.kind === 'unreachable' ||
  (outcome.kind === 'rejected' && (outcome.statusCode >= 500 || outcome.statusCode === 429))
const notFound: Outcome = { kind: 'rejected', statusCode: 404, retryAfter: null, responseBody: null }

const brokenSenders: Mutation[] = [
  {
    name: 'takes every fifth delivery for accepted without sending it',
    rule: '4.1 at least once',
    sender(sender) {
      let n = 0
      const accepted: Outcome = { kind: 'accepted', statusCode: 200, responseBody: null }
      return { send: (request) => (++n % 5 === 0 ? Promise.resolve(accepted) : sender.send(request)) }
    },
  },
  {
    name: 'sends everything twice at once',
    rule: '4.2 one at a time',
    sender: (sender) => ({
      send(request) {
        void sender.send(request)
        return sender.send(request)
      },
    }),
  },
  {
    name: 'makes a new webhook id for each attempt',
    rule: '4.2 same id, same bytes',
    shownBy: 37,
    sender(sender) {
      let n = 0
      return {
        send: (request) =>
          sender.send({
            ...request,
            headers: { ...request.headers, 'webhook-id': `${request.headers['webhook-id']}_${++n}` },
          }),
      }
    },
  },
  {
    name: 'serialises the body anew for each attempt',
    rule: '4.2 same id, same bytes',
    needs: ['fails'],
    sender(sender) {
      let n = 0
      return { send: (request) => sender.send({ ...request, body: request.body + ' '.repeat(++n % 3) }) }
    },
  },
  {
    name: 'takes a redirect for success',
    rule: '4.1 at least once',
    shownBy: 21,
    needs: ['rejects'],
    sender: told((outcome) =>
      outcome.kind === 'rejected' && outcome.statusCode === 307
        ? { kind: 'accepted', statusCode: 200, responseBody: null }
        : outcome,
    ),
  },
  {
    name: 'overlooks Retry-After',
    rule: '4.4 Retry-After',
    needs: ['retryAfter'],
    sender: told((outcome) => (outcome.kind === 'rejected' ? { ...outcome, retryAfter: null } : outcome)),
  },
  {
    name: 'takes a 410 for any other refusal',
    rule: '4.4 gone',
    shownBy: 23,
    needs: ['gone'],
    sender: told((outcome) =>
      outcome.kind === 'rejected' && outcome.statusCode === 410 ? notFound : outcome,
    ),
  },
  {
    name: 'does not spare an overloaded receiver after a timeout',
    rule: '4.4 retry schedule',
    needs: ['hangs'],
    sender: told((outcome) =>
      outcome.kind === 'unreachable' ? { kind: 'unreachable', errorCode: 'connection_reset' } : outcome,
    ),
  },
  {
    name: 'never opens a circuit',
    rule: '4.5 circuit',
    needs: ['fails', 'resets'],
    sender: told((outcome) => (isFailure(outcome) ? notFound : outcome)),
  },
  {
    name: 'sends one request at a time to all endpoints together',
    rule: '4.5 others are not hurt',
    shownBy: 31,
    needs: ['hangs'],
    sender(sender) {
      let last: Promise<unknown> = Promise.resolve()
      return {
        send(request) {
          const next = last.then(() => sender.send(request))
          last = next
          return next
        },
      }
    },
  },
]

const brokenStarts: Mutation[] = [
  {
    name: 'takes what waits at a start for delivered',
    rule: '4.1 cut off is made again',
    needs: ['crash', 'hangs'],
    store(store, world) {
      world.sqlite().exec(`update deliveries set state = 'delivered', finished_at = 1, due_at = null
        where state = 'pending'`)
      return store
    },
  },
]

const brokenSettings: Mutation[] = [
  {
    name: 'retries sooner than its schedule',
    rule: '4.4 retry schedule',
    needs: ['fails'],
    config: (config) => ({
      ...config,
      delivery: { ...config.delivery, retryScheduleMs: [1000, 30_000, 120_000, 300_000] },
    }),
  },
  {
    name: 'gives up before its schedule is over',
    rule: '4.1 at least once',
    shownBy: 28,
    needs: ['fails', 'rejects'],
    config: (config) => ({
      ...config,
      delivery: { ...config.delivery, retryScheduleMs: [5_000], retryScheduleInterimMs: [] },
    }),
  },
  {
    name: 'overlooks the concurrency of an endpoint',
    rule: '4.5 endpoint concurrency',
    shownBy: 24,
    needs: ['slowReceivers', 'hangs'],
    config: (config) => ({ ...config, delivery: { ...config.delivery, endpointConcurrency: 64 } }),
  },
]

const brokenSigners: Mutation[] = [
  {
    name: 'signs with the oldest secret first',
    rule: '4.9 signatures',
    shownBy: 28,
    needs: ['rotate'],
    signer: (signer) => ({ sign: (secrets, content) => signer.sign(secrets.toReversed(), content) }),
  },
  {
    name: 'signs the body without its id and time',
    rule: '4.9 signatures',
    needs: ['rotate', 'patch'],
    signer: (signer) => ({
      sign: (secrets, content) => signer.sign(secrets, content.slice(content.indexOf('{'))),
    }),
  },
]

export const mutations: readonly Mutation[] = [
  ...brokenSenders,
  ...brokenStores,
  ...brokenCommands,
  ...brokenStarts,
  ...brokenSettings,
  ...brokenSigners,
  ...brokenPolls,
]
