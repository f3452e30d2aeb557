/** A shard's copy of each owner's settings, so that it can go on while their home cannot be reached (DESIGN §5). */
import type { Relay } from '../relay.ts'
import type { OwnerSettings } from '../shards/settings.ts'
import type { EndpointPatch } from '../store/records.ts'

export interface CopiesDeps {
  kv: Pick<SyncKvStorage, 'get' | 'put'>
  homeOf(owner: string): { settings(): Promise<OwnerSettings> }
}

export type Copies = ReturnType<typeof createCopies>

export function createCopies({ kv, homeOf }: CopiesDeps, relay: Relay) {
  const ids = new Map(relay.owners.map(({ id, name }) => [name, id]))

  /** Of these owners a change was written in part at most: what their copy says of an endpoint may not be so. */
  const torn = new Set<string>()
  /** One after the other, as each is compared with what the one before it left. */
  let taken: Promise<void> = Promise.resolve()

  function take(owner: string, settings: OwnerSettings): Promise<void> {
    const taking = taken.then(() => takeNext(owner, settings))
    taken = taking.catch(() => {})
    return taking
  }

  /** An older version than the copy changes nothing. */
  async function takeNext(owner: string, settings: OwnerSettings): Promise<void> {
    const ownerId = ids.get(owner)
    const copy = readCopy(kv, owner)
    if (ownerId === undefined || (copy !== undefined && copy.version >= settings.version)) return
    const before = torn.has(owner) ? undefined : copy
    torn.add(owner)
    relay.store.setSecretNumbers(ownerId, settings.signing)
    for (const [id, patch] of Object.entries(settings.endpoints)) {
      const isNew = JSON.stringify(before?.endpoints[id]) !== JSON.stringify(patch)
      if (isNew) await relay.commands.updateEndpoint(ownerId, id, patch)
    }
    // Last: a copy of what was taken in part would keep the rest from being taken when it is sent again.
    kv.put(copyKey(owner), settings)
    torn.delete(owner)
  }

  return {
    take,

    /** What a shard does before its first delivery. */
    async fetchMissing(): Promise<void> {
      const missing = [...ids.keys()].filter((owner) => readCopy(kv, owner) === undefined)
      await Promise.all(missing.map(async (owner) => take(owner, await homeOf(owner).settings())))
    },

    /** @param versions the newest of each owner */
    async catchUp(versions: Readonly<Record<string, number>>): Promise<void> {
      for (const [owner, version] of Object.entries(versions)) {
        const copy = readCopy(kv, owner)
        if (copy === undefined || copy.version < version) await take(owner, await homeOf(owner).settings())
      }
    },
  }
}

/** For an endpoint that a shard meets after its owner changed it elsewhere. */
export function endpointDefaults(
  kv: CopiesDeps['kv'],
  owner: string,
  endpointId: string,
): EndpointPatch | undefined {
  return readCopy(kv, owner)?.endpoints[endpointId]
}

function readCopy(kv: CopiesDeps['kv'], owner: string): OwnerSettings | undefined {
  return kv.get<OwnerSettings>(copyKey(owner))
}

function copyKey(owner: string): string {
  return `settings:${owner}`
}
