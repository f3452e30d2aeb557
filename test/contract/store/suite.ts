/** The store's verbs over real SQLite, on whichever runtime (DESIGN §3.1). */
import { describe } from 'vitest'
import type { OnEmptyDatabase } from './fixture.ts'
import { redeliverySuite } from './redeliveries.ts'

export function storeSuite(on: OnEmptyDatabase): void {
  describe('redelivery', () => redeliverySuite(on))
}
