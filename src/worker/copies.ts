/** A shard's copy of each owner's settings, so that it can go on while their home cannot be reached (DESIGN §5). */
import { within } from '../core/within.ts'
import { problem } from '../http/problem.ts'
import type { Log, Timers } from '../ports.ts'
import type { Relay } from '../relay.ts'
import type { OwnerSettings } from '../shards/settings.ts'
import type { EndpointPatch, EndpointRecord, Page } from '../store/records.ts'

export interface CopiesDeps {
  kv: Pick<SyncKvStorage, 'get' | 'put'>
  homeOf(owner: string): { settings(): Promise<OwnerSettings> }
  /** Numbers of the owners of whom there is no copy, filled here: nothing may be sent under settings that are not known. */
  held: Set<number>
  timers: Timers
  log: Log
}

/** A home that cannot be reached is asked again after this. */
const askAgainMs = 5_000
/** A start waits no longer than this for homes: all owners wait with it. */
const startMsMax = 2_000
/** Endpoints of an owner read at one time. */
const pageMax = 200

export type Copies = ReturnType<typeof createCopies>

export function createCopies({ kv, homeOf, held, timers, log }: CopiesDeps, relay: Relay) {
  const ids = new Map(relay.owners.map(({ id, name }) => [name, id]))
  for (const [name, id] of ids) if (readCopy(kv, name) === undefined) held.add(id)

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
    if (copy === undefined) {
      held.delete(ownerId)
      await lookAnew(relay, ownerId)
    }
    // Last: a copy of what was taken in part would keep the rest from being taken when it is sent again.
    kv.put(copyKey(owner), settings)
    torn.delete(owner)
  }

  /** Never rejects. */
  async function fetchCopy(owner: string): Promise<void> {
    try {
      if (readCopy(kv, owner) === undefined) await take(owner, await homeOf(owner).settings())
    } catch (error) {
      log.warn('the settings of an owner could not be had; its deliveries wait', { owner, error })
      timers.after(askAgainMs, () => void fetchCopy(owner))
    }
  }

  return {
    take,

    /** Resolves when no copy is missing, or after a while; what is missing then is asked for until it is there. */
    async fetchMissing(): Promise<void> {
      const missing = [...ids].filter(([, id]) => held.has(id))
      const fetched = Promise.all(missing.map(([owner]) => fetchCopy(owner)))
      await within(timers, startMsMax, fetched, () => null)
    },

    /** @throws a problem while it is not known which settings of the owner are in force */
    assertKnown(ownerId: number): void {
      if (!held.has(ownerId)) return
      throw problem('unavailable', 'The settings of this owner cannot be reached. Try again.')
    },

    /** @param versions the newest of each owner */
    async catchUp(versions: Readonly<Record<string, number>>): Promise<void> {
      const newest = Object.entries(versions).map(async ([owner, version]) => {
        const copy = readCopy(kv, owner)
        if (copy === undefined || copy.version < version) await take(owner, await homeOf(owner).settings())
      })
      await Promise.all(newest)
    },
  }
}

/** What was held at the endpoints of an owner goes on: an empty change has the engine look at each. */
async function lookAnew({ store, commands }: Relay, ownerId: number): Promise<void> {
  let cursor: string | null = null
  do {
    const query = { limit: pageMax, cursor }
    const page: Page<EndpointRecord> = store.listEndpoints(ownerId, query, Date.now())
    for (const { id } of page.data) await commands.updateEndpoint(ownerId, id, {})
    cursor = page.nextCursor
  } while (cursor !== null)
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
