/**
 * What every shard must know of an owner: which signing secrets are in force, and the settings of its
 * endpoints. One home keeps it with a version, each shard a copy (DESIGN §5). Pure.
 */
import { firstNumbers, rotated, type SecretNumber } from '../core/secret-numbers.ts'
import type { EndpointPatch } from '../store/records.ts'

export interface OwnerSettings {
  /** 0 before the first change. */
  version: number
  signing: readonly SecretNumber[]
  /** By `ep_` id. */
  endpoints: Readonly<Record<string, EndpointPatch>>
}

export type SettingsChange =
  | { kind: 'rotate'; overlapMs: number }
  | { kind: 'endpoint'; id: string; patch: EndpointPatch }

/** What the home keeps. */
export interface HomeRecord {
  settings: OwnerSettings
  /** The change that led here, while not every shard is known to have it. */
  pending: { change: SettingsChange; at: number } | null
}

export const firstSettings: OwnerSettings = { version: 0, signing: firstNumbers, endpoints: {} }

/** The same change again within this time finishes the one that some shard did not get. */
export const repeatMs = 600_000

export function changed(record: HomeRecord, change: SettingsChange, now: number): HomeRecord {
  const { settings, pending } = record
  const isRepeat =
    pending !== null &&
    now - pending.at < repeatMs &&
    JSON.stringify(pending.change) === JSON.stringify(change)
  if (isRepeat) return record
  return {
    settings: { ...apply(settings, change, now), version: settings.version + 1 },
    pending: { change, at: now },
  }
}

function apply(settings: OwnerSettings, change: SettingsChange, now: number): OwnerSettings {
  if (change.kind === 'rotate') {
    return { ...settings, signing: rotated(settings.signing, change.overlapMs, now) }
  }
  const { id, patch } = change
  return { ...settings, endpoints: { ...settings.endpoints, [id]: { ...settings.endpoints[id], ...patch } } }
}

/** Every shard has this version. */
export function confirmed(record: HomeRecord, version: number): HomeRecord {
  return record.settings.version === version ? { ...record, pending: null } : record
}
