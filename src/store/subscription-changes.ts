/** PATCH of a subscription and what it does to the queue of its pending deliveries (CONTRACT §2 "PATCH"). */
import { and, eq, sql } from 'drizzle-orm'
import type { UpdateResult } from '../commands.ts'
import { ownerOfRow } from '../core/ids.ts'
import { isOpen } from '../core/subscription.ts'
import { originOf } from '../core/target.ts'
import type { StoreContext } from './context.ts'
import type { SubscriptionPatch } from './records.ts'
import { deliveries, subscriptions } from './schema.ts'
import { type SubscriptionRow, subscriptionState } from './subscription-view.ts'
import type { UsedVerbs } from './subscriptions.ts'
import { inTransaction } from './transaction.ts'
import { twinVerbs } from './twins.ts'

export interface Updated {
  result: UpdateResult
  /** Where its pending deliveries now wait. */
  endpointId: number | null
  /** The owner, if it is no longer active or paused: the end of a pause may be its end. */
  released: readonly number[]
}

export function subscriptionChangeVerbs(context: StoreContext, verbs: UsedVerbs) {
  const { db, vault } = context
  const { tasks, outbox, endpoints, owners, views } = verbs
  const { openTwins } = twinVerbs(context, verbs)

  function update(ownerId: number, id: string, patch: SubscriptionPatch, now: number): Updated {
    const row = views.subscriptionRow(ownerId, id)
    if (row === null) return refused({ kind: 'not_found' })
    const task = views.taskOf(row)
    const state = subscriptionState(row, task)
    if (!isOpen(state)) return refused({ kind: 'conflict', state })
    // Its pause hides that; nothing polls for it any more.
    if (row.endState === 'expired' && patch.expiresInMs !== undefined)
      return refused({ kind: 'conflict', state: 'expired', pauseHides: true })
    if (patch.callbackUrl !== undefined) {
      const of = { ownerId, taskToken: row.taskToken, callbackUrl: patch.callbackUrl, notId: row.id }
      const twin = openTwins([of]).active(of)
      if (twin !== null) {
        return refused({ kind: 'subscription_exists', id: outbox.publicSubscriptionId(twin) })
      }
    }
    const next = patched(row, patch, now)
    // Its pause kept the task from being finished: retention counts from here.
    if (row.paused === 1 && !isOpen(subscriptionState(next, task))) next.endedAt = now
    db.update(subscriptions).set(next).where(eq(subscriptions.id, row.id)).run()
    const statusUrl = patch.statusUrl ?? task.statusUrl
    tasks.saveTask(task, { ...task, statusUrl })
    if (next.endpointId !== row.endpointId || next.paused !== row.paused) moveQueue(row, next, now)
    const subscription = views.subscriptionRecord(next, { ...task, statusUrl })
    const result: UpdateResult = { kind: 'updated', subscription }
    return { result, endpointId: next.endpointId, released: isOpen(subscription.state) ? [] : [ownerId] }
  }

  function patched(row: SubscriptionRow, patch: SubscriptionPatch, now: number): SubscriptionRow {
    const next = { ...row }
    if (patch.events !== undefined) next.events = JSON.stringify(patch.events)
    if (patch.percentStep !== undefined) next.percentStep = patch.percentStep
    if (patch.metadata !== undefined) next.metadata = JSON.stringify(patch.metadata)
    if (patch.state !== undefined) next.paused = patch.state === 'paused' ? 1 : 0
    if (patch.secret !== undefined) {
      const publicId = outbox.publicSubscriptionId(row)
      next.sealedSecret = patch.secret === null ? null : vault.seal(publicId, patch.secret)
    }
    if (patch.expiresInMs !== undefined) {
      next.watchMs = patch.expiresInMs
      next.expiresAt = now + patch.expiresInMs
    }
    if (patch.callbackUrl !== undefined) {
      next.callbackUrl = patch.callbackUrl
      const ownerId = ownerOfRow(row.id)
      const owner = { id: ownerId, name: owners.ownerName(ownerId) }
      next.endpointId = endpoints.ensureEndpoint(owner, originOf(patch.callbackUrl), now)
    }
    return next
  }

  /** Pending deliveries follow their subscription to another endpoint, into a pause and out of it. */
  function moveQueue(before: SubscriptionRow, after: SubscriptionRow, now: number): void {
    const resumed = before.paused === 1 && after.paused === 0
    // What it waited elsewhere the endpoint it moves to has not kept waiting.
    const nextAttemptAt = resumed ? now : sql`max(${deliveries.nextAttemptAt}, ${now})`
    db.update(deliveries)
      .set({ endpointId: after.endpointId, nextAttemptAt })
      .where(and(eq(deliveries.subscriptionId, after.id), eq(deliveries.state, 'pending')))
      .run()
    outbox.refreshHead(after)
  }

  return {
    updateSubscription(ownerId: number, id: string, patch: SubscriptionPatch, now: number): Updated {
      return inTransaction(db, () => update(ownerId, id, patch, now))
    },
  }
}

function refused(result: UpdateResult): Updated {
  return { result, endpointId: null, released: [] }
}
