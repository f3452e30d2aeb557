/** The simulation can fail: each deliberate bug is caught by the check of the rule that it breaks. */
import { describe, expect, test } from 'vitest'
import { mutations } from './mutations.ts'
import { type Mutation, simulate } from './simulate.ts'

const seedsMax = 40

/** @returns the rules that were seen broken, until the right one was among them */
async function brokenRules(mutation: Mutation): Promise<Set<string>> {
  const broken = new Set<string>()
  for (let seed = 1; seed <= seedsMax && !broken.has(mutation.rule); seed++) {
    const { violations } = await simulate(seed, mutation)
    for (const violation of violations) broken.add(violation.slice(0, violation.indexOf(':')))
  }
  return broken
}

describe('the checks catch a relay that', () => {
  test.each(mutations)('$name ($rule)', { timeout: 30_000 }, async (mutation) => {
    expect([...(await brokenRules(mutation))]).toContain(mutation.rule)
  })
})
