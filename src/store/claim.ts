/** What must hold before a database is used: made under one of our secrets, its sealed secrets readable. */
import { eq, isNotNull } from 'drizzle-orm'
import { encodeId, type Place } from '../core/ids.ts'
import type { RotatingVault } from '../ports.ts'
import { readFact, writeFact } from './meta.ts'
import { subscriptions } from './schema.ts'
import { type Database, inTransaction } from './transaction.ts'

/**
 * Accepts a new database, or one made under any of the secrets with these fingerprints, newest first; what older ones sealed is sealed anew by the
 * newest, so that the older ones can be taken out of POLLHOOK_SECRET after the next start.
 * @throws when the database was made under none of them
 */
export function claimDatabase(
  db: Database,
  fingerprints: readonly string[],
  vault: RotatingVault,
  place: Place,
): void {
  const [newest = '', ...older] = fingerprints
  const found = readFact(db, 'secret_fingerprint')
  if (found === newest) return
  if (found !== null && !older.includes(found)) {
    throw new Error(
      'POLLHOOK_SECRET is not the one this database was made under: add that one behind the new one, or begin with another database; for example POLLHOOK_SECRET=<new>,<old>',
    )
  }
  inTransaction(db, () => {
    sealAnew(db, vault, place)
    writeFact(db, 'secret_fingerprint', newest)
    return null
  })
}

function sealAnew(db: Database, vault: RotatingVault, place: Place): void {
  const columns = { id: subscriptions.id, nonce: subscriptions.nonce, sealed: subscriptions.sealedSecret }
  const rows = db.select(columns).from(subscriptions).where(isNotNull(subscriptions.sealedSecret)).all()
  for (const { id, nonce, sealed } of rows) {
    if (sealed === null || vault.isSealedByNewest(sealed)) continue
    const publicId = encodeId('sub', { ...place, row: id }, nonce)
    const sealedSecret = vault.seal(publicId, vault.open(publicId, sealed))
    db.update(subscriptions).set({ sealedSecret }).where(eq(subscriptions.id, id)).run()
  }
}
