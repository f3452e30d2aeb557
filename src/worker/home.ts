/** The home of one owner's settings: a Durable Object named after the owner, the same whatever the shards are. */
import { DurableObject } from 'cloudflare:workers'
import {
  changed,
  confirmed,
  firstSettings,
  type HomeRecord,
  type OwnerSettings,
  type SettingsChange,
} from '../shards/settings.ts'

const recordKey = 'record'

export class OwnerHome extends DurableObject<Env> {
  #record(): HomeRecord {
    return this.ctx.storage.kv.get<HomeRecord>(recordKey) ?? { settings: firstSettings, pending: null }
  }

  #write(record: HomeRecord): HomeRecord {
    this.ctx.storage.kv.put(recordKey, record)
    return record
  }

  async settings(): Promise<OwnerSettings> {
    return this.#record().settings
  }

  async change(change: SettingsChange): Promise<OwnerSettings> {
    return this.#write(changed(this.#record(), change, Date.now())).settings
  }

  /** Every shard has this version. */
  async confirm(version: number): Promise<void> {
    this.#write(confirmed(this.#record(), version))
  }
}
