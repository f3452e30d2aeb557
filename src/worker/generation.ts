/** Whether a shard's data was made with as many shards as its generation has now (DESIGN §5). */
import type { Place } from '../core/ids.ts'
import type { Generation } from '../shards/places.ts'

export interface ClaimDeps {
  kv: Pick<SyncKvStorage, 'get' | 'put'>
  generations: readonly Generation[]
  place: Place
  /** Rejects when the first shard of the generation does not start. */
  askFirst(): Promise<unknown>
}

const shardsKey = 'shards'

/**
 * Remembers the number at the first start. One that was edited sends tokens and ids to other shards than those that
 * have them: many subscriptions would be out of sight, and registered a second time. A generation that is listed no
 * longer is let be.
 * @throws when the number is another one than at the first start of this shard or, where this is its first, of the
 *   first shard: one that an edit added must not take what would be lost when the edit is taken back
 */
export async function claimGeneration({ kv, generations, place, askFirst }: ClaimDeps): Promise<void> {
  const { generation, shard } = place
  const shards = generations.find((one) => one.generation === generation)?.shards
  const known = kv.get<number>(shardsKey)
  if (shards === undefined || known === shards) return
  if (known === undefined) {
    if (shard > 0) await askFirst()
    kv.put(shardsKey, shards)
    return
  }
  // All that are listed: what is of one that is left out would be out of sight.
  const mended = generations.map((one) => (one.generation === generation ? { ...one, shards: known } : one))
  const newest = generations[0]!.generation
  const wanted = newest === generation ? [{ generation: newest + 1, shards }, ...mended] : mended
  const example = wanted.map((one) => `${one.generation}:${one.shards}`).join()
  throw new Error(
    `POLLHOOK_SHARDS says ${generation}:${shards}, but this data was made with ${generation}:${known}: set that again, or add a generation before all others; for example POLLHOOK_SHARDS=${example}`,
  )
}
