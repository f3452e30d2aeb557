/** Stands between the engine and its store and counts, at each registration, what the engine keeps a number of. */
import { ownerFloor } from '../../src/core/ids.ts'
import type { Store } from '../../src/store/store.ts'
import type { World } from './world.ts'

const countSql = `select count(*) as n from subscriptions s join tasks t on t.token = s.task_token
  where s.id >= ? and s.id < ? and s.end_state is not 'cancelled'
    and (s.paused = 1 or (s.end_state is null and t.end is null))`

export function createQuotaWatch(world: World) {
  const quota = world.config.ownerQuota

  function countOf(ownerId: number): number {
    const [row] = world.rows<{ n: number }>(countSql, ownerFloor(ownerId), ownerFloor(ownerId + 1))
    return row?.n ?? 0
  }

  return {
    /** Nobody gets more than the quota, and nobody is refused who has less. */
    subscribe:
      (store: Pick<Store, 'subscribe'>): Store['subscribe'] =>
      (inputs, now, claims) => {
        const counts = new Map(inputs.map(({ ownerId }) => [ownerId, countOf(ownerId)]))
        const done = store.subscribe(inputs, now, claims)
        for (const [i, result] of done.results.entries()) {
          const { kind } = result
          const { ownerId } = inputs[i]!
          const count = counts.get(ownerId) ?? 0
          if ((kind === 'created' && count >= quota) || (kind === 'quota_exceeded' && count < quota))
            world.violate('2 quota', `${kind} with ${count} of ${quota}`)
          if (kind === 'created' && result.subscription.state === 'active') counts.set(ownerId, count + 1)
        }
        return done
      },
  }
}
