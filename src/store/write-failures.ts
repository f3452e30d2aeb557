/** Tells of commits that failed, whoever wanted them and however they go on. */
import type { Store } from './store.ts'

/** What was to be written: news of polls, outcomes of attempts, registrations, other calls of the API, and the relay's own keeping. */
export type Write = 'polls' | 'attempts' | 'registrations' | 'commands' | 'maintenance'

/** Null reads only. The compiler wants no verb forgotten. */
const writes: Readonly<Record<keyof Store, Write | null>> = {
  recordPoll: 'polls',
  settleDeliveries: 'attempts',
  subscribe: 'registrations',
  updateSubscription: 'commands',
  cancelSubscription: 'commands',
  sendTest: 'commands',
  redeliver: 'commands',
  redeliverBatch: 'commands',
  updateEndpoint: 'commands',
  rotateSecret: 'commands',
  setSecretNumbers: 'commands',
  ensureOwners: 'maintenance',
  clockWentBack: 'maintenance',
  supersedeStale: 'maintenance',
  endWaits: 'maintenance',
  endHiddenWaits: 'maintenance',
  exhaustKeptWaiting: 'maintenance',
  forgetFinished: 'maintenance',
  watchesOf: null,
  watchesAfter: null,
  task: null,
  listTasks: null,
  streamState: null,
  transitionsAfter: null,
  secretNumbers: null,
  ownerName: null,
  subscription: null,
  listSubscriptions: null,
  countOpen: null,
  delivery: null,
  listDeliveries: null,
  endpoint: null,
  endpointState: null,
  listEndpoints: null,
  dueEntries: null,
  dueTests: null,
  dueDeliveries: null,
  nextDueAt: null,
  oldestDueAt: null,
  waitingEndpoints: null,
}

/** @param onFailed told before the error goes on to whoever wanted the commit, who may try again */
export function tellingWriteFailures(store: Store, onFailed: (what: Write) => void): Store {
  const verbs = Object.entries(store).map(([name, verb]: [string, (...args: never[]) => unknown]) => {
    const what = writes[name as keyof Store]
    if (what === null) return [name, verb]
    const telling = (...args: never[]) => {
      try {
        return verb(...args)
      } catch (error) {
        onFailed(what)
        throw error
      }
    }
    return [name, telling]
  })
  return Object.fromEntries(verbs) as Store
}
