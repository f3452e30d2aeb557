/**
 * Registering twice (CONTRACT §2): the subscription of the same owner to the same task and callback URL, and whether its
 * options are equal.
 */
import { and, eq, gte, lt, or, sql } from 'drizzle-orm'
import { ownerFloor, ownerOfRow } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { key, listed } from './literals.ts'
import type { OutboxVerbs } from './outbox.ts'
import type { SubscriptionInput } from './records.ts'
import { subscriptions, tasks } from './schema.ts'
import { inState, type SubscriptionRow, type SubscriptionViewVerbs } from './subscription-view.ts'

/** Where a registration or a change would have its webhooks go. */
export type Wish = Pick<SubscriptionInput, 'ownerId' | 'taskToken' | 'callbackUrl'>

/** Of the wishes of one commit: those of one owner and task are looked for together, as there may be very many to look through. */
export interface Twins {
  /** The one that is active or paused, other than `notId`; null when there is none. */
  active(of: Wish & { notId?: number }): SubscriptionRow | null
  /** One that is active. */
  made(row: SubscriptionRow): void
}

export function twinVerbs(
  { db, vault }: StoreContext,
  { outbox, views }: { outbox: OutboxVerbs; views: SubscriptionViewVerbs },
) {
  // Only those that are open: what has ended stays so, and as many may be to one task and URL as were ever registered.
  const openOfOwner = db
    .select({ callbackUrl: subscriptions.callbackUrl, id: subscriptions.id })
    .from(subscriptions)
    .innerJoin(tasks, eq(tasks.token, subscriptions.taskToken))
    .where(
      and(
        eq(subscriptions.taskToken, key('taskToken')),
        gte(subscriptions.id, key('floor')),
        lt(subscriptions.id, key('ceiling')),
        sql`${subscriptions.callbackUrl} in ${listed('urls')}`,
        or(inState.active, inState.paused),
      ),
    )
    .prepare()

  function readIds({ ownerId, taskToken }: Wish, wishes: readonly Wish[]): Map<string, number[]> {
    const range = { floor: ownerFloor(ownerId), ceiling: ownerFloor(ownerId + 1) }
    const urls = JSON.stringify(wishes.map(({ callbackUrl }) => callbackUrl))
    const byUrl = new Map<string, number[]>()
    for (const [url, id] of openOfOwner.values({ taskToken, ...range, urls }) as [string, number][]) {
      addTo(byUrl, url, id)
    }
    return byUrl
  }

  return {
    /**
     * For one commit, in which whatever is registered is told to `made`.
     * @param wishes all that `active` is asked of
     */
    openTwins(wishes: readonly Wish[]): Twins {
      const known = new Map<string, Map<string, number[]>>()
      const nameOf = (ownerId: number, taskToken: string) => `${ownerId} ${taskToken}`
      const wished = Map.groupBy(wishes, ({ ownerId, taskToken }) => nameOf(ownerId, taskToken))
      return {
        active(of) {
          const name = nameOf(of.ownerId, of.taskToken)
          const byUrl = known.get(name) ?? readIds(of, wished.get(name)!)
          known.set(name, byUrl)
          const id = byUrl.get(of.callbackUrl)?.find((one) => one !== of.notId)
          return id === undefined ? null : views.subscriptionRowById(id)
        },
        made({ id, taskToken, callbackUrl }) {
          const byUrl = known.get(nameOf(ownerOfRow(id), taskToken))
          // What was not read yet is read with it.
          if (byUrl !== undefined) addTo(byUrl, callbackUrl, id)
        },
      }
    },

    equalOptions(row: SubscriptionRow, input: SubscriptionInput): boolean {
      const sameSecret =
        row.sealedSecret === null
          ? input.secret === null
          : input.secret !== null &&
            vault.open(outbox.publicSubscriptionId(row), row.sealedSecret) === input.secret
      return (
        sameSecret &&
        row.percentStep === input.percentStep &&
        row.watchMs === input.expiresInMs &&
        sameSet(JSON.parse(row.events) as string[], input.events) &&
        sameMap(JSON.parse(row.metadata) as Record<string, string>, input.metadata)
      )
    },
  }
}

function addTo(byUrl: Map<string, number[]>, url: string, id: number): void {
  const ids = byUrl.get(url)
  if (ids === undefined) byUrl.set(url, [id])
  else ids.push(id)
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const [left, right] = [new Set(a), new Set(b)]
  return left.size === right.size && [...left].every((entry) => right.has(entry))
}

function sameMap(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}
