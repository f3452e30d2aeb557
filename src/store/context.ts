/** What every verb of the store is made from, given once by the composition root. */
import type { Place } from '../core/ids.ts'
import type { Vault } from '../ports.ts'
import type { EndpointPatch } from './records.ts'
import type { Database } from './transaction.ts'

/** A delivery that ended. */
export interface FinishedDelivery {
  state: string
  type: string
}

export interface StoreContext {
  db: Database
  /** Written into every id made here (DESIGN §5). */
  place: Place
  vault: Vault
  /** Random text of `[0-9a-z]`, `length` characters. */
  randomText(length: number): string
  /** A delivery was made: for whoever counts. */
  onCreated?(): void
  /** A delivery was finished by other means than its own attempt: for whoever counts. */
  onFinished?(delivery: FinishedDelivery): void
  /** When an endpoint last accepted, where that is later than written: a success alone writes no row (DESIGN §4). */
  lastSuccessAt?(endpointId: number): number | null
  /** The public id of an endpoint: the same in every shard. */
  endpointPublicId(ownerName: string, origin: string): string
  /** Settings that an endpoint of this public id has elsewhere already, for the row that is made here. */
  endpointDefaults?(ownerName: string, publicId: string): EndpointPatch | undefined
}
