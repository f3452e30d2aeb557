/** Tokens, subscriptions and changes for measurements, written through the store's own verbs. */
import { randomBytes } from 'node:crypto'
import type { Relay } from '../../src/relay.ts'
import type { Claims, SubscriptionInput } from '../../src/store/records.ts'

const forever = Number.MAX_SAFE_INTEGER
const noQuota: Claims = { exceeded: () => null, made: () => {} }
const never = { lostAfterMs: forever, stalledAfterMs: forever, pollMsMax: forever }

export function makeTokens(count: number): string[] {
  return Array.from({ length: count }, () => randomBytes(16).toString('hex'))
}

export function registration(ownerId: number, taskToken: string, callbackUrl: string): SubscriptionInput {
  return {
    ownerId,
    taskToken,
    callbackUrl,
    statusUrl: null,
    events: ['*'],
    percentStep: 1,
    metadata: { note: 'y'.repeat(600) },
    secret: null,
    expiresInMs: 86_400_000,
  }
}

export function register(relay: Relay, inputs: readonly SubscriptionInput[]): void {
  for (let i = 0; i < inputs.length; i += 1000) {
    relay.store.subscribe(inputs.slice(i, i + 1000), Date.now(), noQuota)
  }
}

/** One status change for each token, in commits of 100. */
export function change(relay: Relay, tokens: readonly string[], status: string): void {
  for (let i = 0; i < tokens.length; i += 100) {
    const now = Date.now()
    const results = tokens.slice(i, i + 100).map((token) => {
      const observation = { status, percent: null, end: null, error: null, statusUrl: null, raw: {} }
      return { token, polledAt: now, answer: { kind: 'known' as const, statusUrl: null, observation } }
    })
    relay.store.recordPoll(results, never, now, () => false)
  }
}

/** CPU of this process in microseconds since `before`. */
export function cpuMicros(before?: NodeJS.CpuUsage): number {
  const used = process.cpuUsage(before)
  return used.user + used.system
}
