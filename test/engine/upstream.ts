/** Upstream with faults, and what it was asked. */
import type { StatusAnswer } from '../../src/ports.ts'
import { type EngineWorld, masterOrigin } from './world.ts'

/** Of a task whose master is asked. */
export const statusUrl = `${masterOrigin}/v1/status`

export const failed = (reason: 'timeout' | 'network' | 'server_error' | 'redirect' | 'unreadable') =>
  ({ kind: 'failed', reason }) as const

/** What upstream refuses by a code of its own. */
export const error = (code: number): StatusAnswer => ({ kind: 'error', code, message: null })

/** The default answers, but for what `fault` makes of a call. */
export function breakUpstream(
  world: EngineWorld,
  fault: (origin: string, tokens: readonly string[]) => StatusAnswer | null,
) {
  const honest = world.upstream.answer
  world.upstream.answer = (origin, tokens) => fault(origin, tokens) ?? honest(origin, tokens)
}

/** What a host was asked, from that time on. */
export const callsOf = (world: EngineWorld, origin: string, from = 0) =>
  world.calls.filter((call) => call.origin === origin && call.at >= from)

export const callsFor = (world: EngineWorld, token: string) =>
  world.calls.filter(({ tokens }) => tokens.includes(token))
