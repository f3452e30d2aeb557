/** The simulation can fail: each deliberate bug is caught by the check of the rule that it breaks. */
import { describe, expect, test } from 'vitest'
import { rules } from './check.ts'
import { mutations } from './mutations.ts'
import { type Mutation, simulate } from './simulate.ts'

/** So many are tried before a bug counts as not caught. */
const seeds = Array.from({ length: 40 }, (_, i) => i + 1)
/** It is quick, and no other shows more bugs. */
const usualSeed = 26

/** @returns the rules that were seen broken, until the right one was among them */
async function brokenRules(mutation: Mutation): Promise<Set<string>> {
  const broken = new Set<string>()
  for (const seed of [mutation.shownBy ?? usualSeed, ...seeds]) {
    if (broken.has(mutation.rule)) break
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

test('no check is without a bug that it catches', () => {
  const shown = new Set(mutations.map(({ rule }) => rule))
  expect(Object.keys(rules).filter((rule) => !shown.has(rule))).toEqual([])
})
