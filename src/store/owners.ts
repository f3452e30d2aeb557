/**
 * Owners: a number for each name in POLLHOOK_API_KEYS, and which of their derived signing secrets are in
 * force. Knows the secrets' numbers only; deriving them is not the store's work.
 */
import { eq } from 'drizzle-orm'
import { ownersMax } from '../core/ids.ts'
import { firstNumbers, inForce, rotated, type SecretNumber } from '../core/secret-numbers.ts'
import type { StoreContext } from './context.ts'
import type { Owner } from './records.ts'
import { owners } from './schema.ts'
import { inTransaction } from './transaction.ts'

export type OwnerVerbs = ReturnType<typeof ownerVerbs>

export function ownerVerbs({ db }: StoreContext) {
  const names = new Map<number, string>()
  // Each attempt asks; only a rotation here changes the answer.
  const numbers = new Map<number, readonly SecretNumber[]>()

  function row(ownerId: number) {
    const found = db.select().from(owners).where(eq(owners.id, ownerId)).limit(1).get()
    if (found === undefined) throw new Error(`no owner has the number ${ownerId}`)
    return found
  }

  function allNumbers(ownerId: number): readonly SecretNumber[] {
    const known = numbers.get(ownerId) ?? (JSON.parse(row(ownerId).signing) as SecretNumber[])
    numbers.set(ownerId, known)
    return known
  }

  function secretNumbers(ownerId: number, now: number): SecretNumber[] {
    return inForce(allNumbers(ownerId), now)
  }

  function write(ownerId: number, next: readonly SecretNumber[]): void {
    db.update(owners)
      .set({ signing: JSON.stringify(next) })
      .where(eq(owners.id, ownerId))
      .run()
  }

  return {
    secretNumbers,

    /** A number for each name, made where there is none yet. @throws when there are more than 8,191 owners */
    ensureOwners(wanted: readonly string[]): Owner[] {
      return inTransaction(db, () => {
        const first = JSON.stringify(firstNumbers)
        for (const name of wanted)
          db.insert(owners).values({ name, signing: first }).onConflictDoNothing().run()
        const all = db.select({ id: owners.id, name: owners.name }).from(owners).all()
        if (all.some(({ id }) => id > ownersMax)) throw tooMany()
        for (const owner of all) names.set(owner.id, owner.name)
        return all.filter(({ name }) => wanted.includes(name))
      })
    },

    ownerName(ownerId: number): string {
      const known = names.get(ownerId) ?? row(ownerId).name
      names.set(ownerId, known)
      return known
    },

    /** @returns all that sign from now on, newest first */
    rotateSecret(ownerId: number, overlapMs: number, now: number): SecretNumber[] {
      const next = inTransaction(db, () => {
        const next = rotated(allNumbers(ownerId), overlapMs, now)
        write(ownerId, next)
        return next
      })
      // Not before it is on disk: nobody has a secret whose commit failed.
      numbers.set(ownerId, next)
      return next
    },

    /** What a rotation elsewhere led to. */
    setSecretNumbers(ownerId: number, next: readonly SecretNumber[]): void {
      write(ownerId, next)
      numbers.set(ownerId, next)
    },
  }
}

function tooMany(): Error {
  const problem = `has owners beyond the ${ownersMax} that one database takes, those it had before included`
  return new Error(
    `POLLHOOK_API_KEYS ${problem}; for example a database of their own: POLLHOOK_DB=data/second.db`,
  )
}
