/**
 * Subscriptions as the poll side needs them: who of a task is still to be told, and how one of them ends.
 */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { key } from './literals.ts'
import type { Recipient } from './outbox.ts'
import { subscriptions } from './schema.ts'

/** A subscription that has not ended by itself; whether its task has is for the caller to know. */
export interface LiveSubscription extends Recipient {
  events: readonly string[]
  percentStep: number
  expiresAt: number
  awaitsState: number
}

export type RecipientVerbs = ReturnType<typeof recipientVerbs>

export function recipientVerbs({ db }: StoreContext) {
  const p = sql.placeholder
  const live = db
    .select({
      id: subscriptions.id,
      nonce: subscriptions.nonce,
      taskToken: subscriptions.taskToken,
      endpointId: subscriptions.endpointId,
      metadata: subscriptions.metadata,
      paused: subscriptions.paused,
      events: subscriptions.events,
      percentStep: subscriptions.percentStep,
      expiresAt: subscriptions.expiresAt,
      awaitsState: subscriptions.awaitsState,
    })
    .from(subscriptions)
    .where(and(eq(subscriptions.taskToken, key('token')), isNull(subscriptions.endState)))
    .prepare()
  const end = db
    .update(subscriptions)
    .set({
      endState: sql`${p('state')}`,
      stateReason: sql`${p('reason')}`,
      endedAt: sql`${p('at')}`,
      awaitsState: 0,
    })
    .where(eq(subscriptions.id, key('id')))
    .prepare()
  const stateGiven = db
    .update(subscriptions)
    .set({ awaitsState: 0 })
    .where(eq(subscriptions.id, key('id')))
    .prepare()

  return {
    liveSubscriptions(token: string): LiveSubscription[] {
      return live.all({ token }).map((row) => ({ ...row, events: JSON.parse(row.events) as string[] }))
    },

    endSubscription(
      id: number,
      state: 'completed' | 'expired' | 'cancelled',
      reason: 'requested' | 'gone' | null,
      at: number,
    ): void {
      end.run({ id, state, reason, at })
    },

    /** It has its first event: later polls owe it nothing. */
    markStateGiven(id: number): void {
      stateGiven.run({ id })
    },
  }
}
