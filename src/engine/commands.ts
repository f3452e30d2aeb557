/**
 * Every write the API asks for: one commit, then the engine is woken. Registrations that arrive together
 * share a commit, so that each is on disk before its answer without paying for a disk flush of its own.
 */
import type { Commands, SigningSecret, SubscribeResult } from '../commands.ts'
import type { SecretNumber } from '../core/secret-numbers.ts'
import type { Clock, Timers } from '../ports.ts'
import type { SubscriptionInput } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { Deliverer } from './deliver-ports.ts'
import type { Poller } from './poll-ports.ts'
import type { Quota } from './quota.ts'
import { writeTogether } from './write-together.ts'

export interface CommandDeps {
  store: Store
  poller: Pick<Poller, 'reload' | 'hint' | 'polledAt'>
  deliverer: Pick<Deliverer, 'askAgain' | 'touch' | 'reload'>
  quota: Quota
  now: Clock
  timers: Timers
  /** The secrets behind a number, newest POLLHOOK_SECRET first. */
  secretsOf(ownerId: number, n: number): readonly string[]
  /** Subscriptions of these tasks changed: event streams look again. */
  onTouched(taskTokens: Iterable<string>): void
  /** What was taken to be sent may not be wanted any more, or elsewhere, or under another secret. */
  onChanged(): void
  /** Resolves when no request of the subscription, whose deliveries have ended, goes out any more. */
  withdraw(subscriptionId: number): Promise<void>
  ready(): boolean
}

interface Waiting {
  inputs: readonly SubscriptionInput[]
  resolve(results: SubscribeResult[]): void
  reject(error: unknown): void
}

/** A commit of so many keeps the relay from anything else for some 40 ms; one batch of the API is never more. */
const registrationsMax = 1000

export function createCommands(deps: CommandDeps): Commands {
  const { store, poller, deliverer, now } = deps
  const waiting: Waiting[] = []

  /** Whole calls, in the order they came. */
  function takeGroup(): Waiting[] {
    let calls = 0
    let registrations = 0
    for (const { inputs } of waiting) {
      registrations += inputs.length
      if (calls > 0 && registrations > registrationsMax) break
      calls++
    }
    return waiting.splice(0, calls)
  }

  function flush(): void {
    const group = takeGroup()
    // Between two commits the passes have their turn.
    if (waiting.length > 0) deps.timers.after(0, flush)
    for (const { item, error } of writeTogether(group, tryCommit)) item.reject(error)
  }

  function tryCommit(group: readonly Waiting[]): unknown {
    try {
      const results = commit(group.flatMap(({ inputs }) => inputs))
      for (const { inputs, resolve } of group) resolve(results.splice(0, inputs.length))
      return null
    } catch (error) {
      return error
    }
  }

  function commit(inputs: readonly SubscriptionInput[]): SubscribeResult[] {
    const claims = deps.quota.claim()
    const { results, endpointIds } = store.subscribe(inputs, now(), claims)
    claims.committed()
    touched(new Set(inputs.map(({ taskToken }) => taskToken)))
    if (endpointIds.size > 0) deliverer.touch(endpointIds)
    return results
  }

  function touched(tokens: ReadonlySet<string> | readonly string[]): void {
    poller.reload(tokens)
    deps.onTouched(tokens)
  }

  function toSecrets(ownerId: number, numbers: readonly SecretNumber[]): SigningSecret[] {
    return numbers.flatMap(({ n, expiresAt }) =>
      deps.secretsOf(ownerId, n).map((secret) => ({ secret, expiresAt })),
    )
  }

  return {
    subscribe(inputs) {
      return new Promise((resolve, reject) => {
        if (waiting.length === 0) deps.timers.after(0, flush)
        waiting.push({ inputs, resolve, reject })
      })
    },

    async updateSubscription(ownerId, id, patch) {
      const { result, endpointId, released } = store.updateSubscription(ownerId, id, patch, now())
      deps.onChanged()
      deps.quota.released(released)
      if (result.kind === 'updated') touched([result.subscription.taskToken])
      if (endpointId !== null) deliverer.touch([endpointId])
      return result
    },

    async cancelSubscription(ownerId, id) {
      const cancelled = store.cancelSubscription(ownerId, id, now())
      deps.onChanged()
      if (cancelled === null) return false
      deps.quota.released(cancelled.released)
      touched([cancelled.taskToken])
      await deps.withdraw(cancelled.subscriptionId)
      return true
    },

    async sendTest(ownerId, id) {
      const { result, queued } = store.sendTest(ownerId, id, now())
      if (queued !== null) deliverer.touch([queued.endpointId])
      return result
    },

    async redeliver(ownerId, deliveryId) {
      const { result, queued } = store.redeliver(ownerId, deliveryId, now())
      if (queued !== null) {
        deliverer.askAgain(queued.deliveryId)
        deliverer.touch([queued.endpointId])
      }
      return result
    },

    async redeliverMany(ownerId, filter) {
      let count = 0
      for (let after: number | null = 0; after !== null; ) {
        const batch = store.redeliverBatch(ownerId, filter, after, now())
        count += batch.count
        after = batch.after
        if (batch.endpointIds.length > 0) deliverer.touch(batch.endpointIds)
        // Between two batches the passes have their turn.
        if (after !== null) await new Promise<void>((resolve) => deps.timers.after(0, resolve))
      }
      return { count }
    },

    async updateEndpoint(ownerId, id, patch) {
      const updated = store.updateEndpoint(ownerId, id, patch, now())
      if (updated === null) return null
      deps.onChanged()
      deliverer.reload(updated.endpointId, updated.resumed)
      return updated.record
    },

    signingSecrets: (ownerId) => toSecrets(ownerId, store.secretNumbers(ownerId, now())),

    async rotateSigningSecret(ownerId, overlapMs) {
      const numbers = store.rotateSecret(ownerId, overlapMs, now())
      deps.onChanged()
      return toSecrets(ownerId, numbers)
    },

    hint: (taskToken) => poller.hint(taskToken),
    polledAt: (taskToken) => poller.polledAt(taskToken),
    ready: deps.ready,
  }
}
