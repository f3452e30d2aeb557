/** The store's verbs over real SQLite, on whichever runtime (DESIGN §3.1). */
import { describe } from 'vitest'
import type { OnEmptyDatabase } from './fixture.ts'
import { endpointSuite, ownerSuite, retentionSuite } from './keeping.ts'
import { listSuite } from './lists.ts'
import { migrationSuite } from './migrations.ts'
import { numberingSuite } from './numbering.ts'
import { pollSuite } from './polls.ts'
import { queueProperties } from './property.ts'
import { redeliverySuite } from './redeliveries.ts'
import { subscribeSuite } from './registration.ts'
import { settleSuite } from './settling.ts'
import { subscriptionChangeSuite } from './subscription-changes.ts'

export function storeSuite(on: OnEmptyDatabase): void {
  describe('migrations', () => migrationSuite(on))
  describe('registration', () => subscribeSuite(on))
  describe('changes', () => subscriptionChangeSuite(on))
  describe('polls', () => pollSuite(on))
  describe('settling', () => settleSuite(on))
  describe('redelivery', () => redeliverySuite(on))
  describe('lists', () => listSuite(on))
  describe('endpoints', () => endpointSuite(on))
  describe('owners', () => ownerSuite(on))
  describe('retention', () => retentionSuite(on))
  describe('numbers after a restore', () => numberingSuite(on))
  describe('queues', () => queueProperties(on, 150))
}
