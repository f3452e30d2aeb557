/** The delivery promise under seeded faults: a hundred fixed seeds, those that failed once, and determinism. */
import { describe, expect, test } from 'vitest'
import { faultNames } from './faults.ts'
import { fixedSeeds, seedsThatFailed } from './seeds.ts'
import { type Simulation, simulate } from './simulate.ts'

/** What a simulation met: faults that were on, answers of both sides, commands, ends of deliveries. */
function met({ history }: Simulation): string[] {
  return [
    ...[...history.faults].map((fault) => `fault ${fault}`),
    ...history.polls.flatMap(({ answer }) =>
      answer === null
        ? 'poll cut off'
        : `poll ${answer.kind} ${'reason' in answer ? answer.reason : ''}`.trim(),
    ),
    ...history.sends.flatMap(({ outcome }) =>
      outcome === null
        ? 'send cut off'
        : `send ${'statusCode' in outcome ? outcome.statusCode : outcome.errorCode}`,
    ),
    ...history.commands.map(({ kind }) => `command ${kind}`),
    ...history.settlements.map(({ state }) => `settled ${state}`),
    ...history.crashes.map(() => 'crash'),
    ...history.steps.map(() => 'clock step'),
  ]
}

const mustHappen = [
  ...['statuses', 'busy', 'error', 'cut off'].map((kind) => `poll ${kind}`),
  ...['network', 'redirect', 'server_error', 'timeout', 'too_large', 'unreadable'].map(
    (reason) => `poll failed ${reason}`,
  ),
  ...['200', '307', '404', '410', '429', '500', '503', 'timeout', 'connection_reset', 'dns_error'].map(
    (outcome) => `send ${outcome}`,
  ),
  ...['send blocked_address', 'send cut off', 'crash', 'clock step'],
  ...['cancel', 'endpoint', 'hint', 'patch', 'redeliver queued', 'redeliver conflict', 'redeliver many'].map(
    (kind) => `command ${kind}`,
  ),
  ...[
    'rotate',
    'subscribe existing',
    'subscribe subscription_exists',
    'subscribe quota_exceeded',
    'test',
  ].map((kind) => `command ${kind}`),
  ...['delivered', 'pending', 'superseded', 'exhausted', 'cancelled'].map((state) => `settled ${state}`),
]

describe('a simulated relay', () => {
  test.each(seedsThatFailed)('keeps its promise under seed %i, which failed once', async (seed) => {
    const { violations, faults } = await simulate(seed)
    expect({ faults, violations }).toEqual({ faults, violations: [] })
  })

  test('keeps its promise under a hundred fixed seeds', { timeout: 120_000 }, async () => {
    const seen = new Set<string>()
    for (const seed of fixedSeeds) {
      const result = await simulate(seed)
      const { violations, faults } = result
      expect({ seed, faults, violations }).toEqual({ seed, faults, violations: [] })
      for (const one of met(result)) seen.add(one)
    }
    // A check of what never happens proves nothing.
    expect([...faultNames].filter((fault) => !seen.has(`fault ${fault}`))).toEqual([])
    expect(mustHappen.filter((one) => ![...seen].some((what) => what.startsWith(one)))).toEqual([])
  })

  test('does the same thing twice under the same seed', async () => {
    for (const seed of [3, 17, 1042]) {
      const [one, two] = [await simulate(seed), await simulate(seed)]
      expect(two.hash).toBe(one.hash)
      expect(one.trace.length).toBeGreaterThan(20)
    }
  })

  test('does something else under another seed', async () => {
    const [one, two] = [await simulate(5), await simulate(6)]
    expect(two.hash).not.toBe(one.hash)
  })
})
