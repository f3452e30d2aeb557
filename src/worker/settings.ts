/**
 * Changes of an owner's settings, which go through their home to every shard (DESIGN §5). Knows stubs only by what
 * they are asked.
 */
import type { Commands } from '../commands.ts'
import { problem } from '../http/problem.ts'
import type { Log } from '../ports.ts'
import type { Relay } from '../relay.ts'
import { mergeRecords } from '../shards/endpoints.ts'
import type { OwnerSettings, SettingsChange } from '../shards/settings.ts'
import type { EndpointRecord } from '../store/records.ts'
import type { Copies } from './copies.ts'

/** What shards ask of each other. */
export interface SettingsPeer {
  takeSettings(owner: string, settings: OwnerSettings): Promise<void>
  endpointOf(owner: string, id: string): Promise<EndpointRecord | null>
}

export interface SettingsHome {
  settings(): Promise<OwnerSettings>
  change(change: SettingsChange): Promise<OwnerSettings>
  confirm(version: number): Promise<void>
}

export interface SettingsDeps {
  log: Log
  /** This shard's. */
  copies: Pick<Copies, 'take' | 'assertKnown'>
  /** Every other shard. */
  peers: readonly SettingsPeer[]
  homeOf(owner: string): SettingsHome
}

export type Settings = ReturnType<typeof createSettings>

export function createSettings(deps: SettingsDeps, relay: Relay) {
  const names = new Map(relay.owners.map(({ id, name }) => [id, name]))
  const ids = new Map(relay.owners.map(({ id, name }) => [name, id]))

  function ownEndpoint(owner: string, id: string): EndpointRecord | null {
    const ownerId = ids.get(owner)
    return ownerId === undefined ? null : relay.store.endpoint(ownerId, id, Date.now())
  }

  async function everywhere(owner: string, id: string): Promise<EndpointRecord | null> {
    const others = await Promise.all(deps.peers.map((peer) => peer.endpointOf(owner, id)))
    const known = [ownEndpoint(owner, id), ...others].filter((record) => record !== null)
    return known.length === 0 ? null : known.reduce(mergeRecords)
  }

  /** One that knows it is enough: a shard that is silent keeps no change from the others. */
  async function isKnown(owner: string, id: string): Promise<boolean> {
    if (ownEndpoint(owner, id) !== null) return true
    const asked = await Promise.allSettled(deps.peers.map((peer) => peer.endpointOf(owner, id)))
    if (asked.some((one) => one.status === 'fulfilled' && one.value !== null)) return true
    const silent = asked.find((one) => one.status === 'rejected')
    if (silent !== undefined) throw silent.reason
    return false
  }

  async function spread(owner: string, change: SettingsChange): Promise<void> {
    const home = deps.homeOf(owner)
    const settings = await home.change(change)
    await deps.copies.take(owner, settings)
    const results = await Promise.allSettled(deps.peers.map((peer) => peer.takeSettings(owner, settings)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    await home.confirm(settings.version)
  }

  async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      deps.log.warn('a change of settings did not reach every shard', { error })
      throw problem('unavailable', 'Not every shard has the change yet. Send the same again to finish it.')
    }
  }

  const commands: Pick<Commands, 'updateEndpoint' | 'signingSecrets' | 'rotateSigningSecret'> = {
    updateEndpoint: (ownerId, id, patch) =>
      orUnavailable(async () => {
        const owner = names.get(ownerId) ?? ''
        if (!(await isKnown(owner, id))) return null
        await spread(owner, { kind: 'endpoint', id, patch })
        return everywhere(owner, id)
      }),
    signingSecrets(ownerId) {
      deps.copies.assertKnown(ownerId)
      return relay.commands.signingSecrets(ownerId)
    },
    rotateSigningSecret: (ownerId, overlapMs) =>
      orUnavailable(async () => {
        await spread(names.get(ownerId) ?? '', { kind: 'rotate', overlapMs })
        return relay.commands.signingSecrets(ownerId)
      }),
  }

  return { commands, ownEndpoint }
}
