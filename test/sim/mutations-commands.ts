/** Deliberate bugs in what the store does at a command: its answer promises what is not so, or there is none. */
import type { Mutation } from './simulate.ts'

export const brokenCommands: Mutation[] = [
  {
    name: 'takes a cancelled subscription off twice',
    rule: '2 quota',
    shownBy: 24,
    needs: ['cancel'],
    store: (store) => ({
      ...store,
      cancelSubscription: (...of) => {
        const one = store.cancelSubscription(...of)
        return one && { ...one, released: [...one.released, ...one.released] }
      },
    }),
  },
  {
    name: 'answers a DELETE and goes on',
    rule: '2 promises of answers',
    shownBy: 21,
    needs: ['cancel'],
    store: (store) => ({
      ...store,
      cancelSubscription: (ownerId, id) => {
        const one = store.subscription(ownerId, id)
        return one && { subscriptionId: 0, taskToken: one.taskToken, released: [] }
      },
    }),
  },
  {
    name: 'fails at a DELETE',
    rule: 'no errors',
    shownBy: 23,
    needs: ['cancel'],
    store: (store) => ({
      ...store,
      cancelSubscription() {
        throw new TypeError('it is null')
      },
    }),
  },
  {
    name: 'answers a PATCH of the state and goes on as before',
    rule: '2 promises of answers',
    shownBy: 23,
    needs: ['pause', 'patch'],
    store: (store) => ({
      ...store,
      updateSubscription(ownerId, id, { state: _state, ...patch }, now) {
        return store.updateSubscription(ownerId, id, patch, now)
      },
    }),
  },
]
