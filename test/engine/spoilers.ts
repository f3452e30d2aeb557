/** Tokens that spoil a whole call. */
import { error } from './upstream.ts'
import { type EngineWorld, newToken } from './world.ts'

export const refused = error(13)

/** Upstream takes its time, and gives `spoiled` to each call that holds one of `spoilers`. */
export function spoilCalls(
  world: EngineWorld,
  spoilers: ReadonlySet<string>,
  latencyMs: number,
  spoiled = refused,
) {
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    const isSpoiled = tokens.some((token) => spoilers.has(token))
    return world.later(latencyMs, isSpoiled ? spoiled : await honest(origin, tokens))
  }
}

export const register = (world: EngineWorld, tokens: Iterable<string>) =>
  Promise.all([...tokens].map((taskToken) => world.register({ taskToken })))

export const newTokens = (count: number) => new Set(Array.from({ length: count }, newToken))

/** The event of its end, if that was sent. */
export const endOf = (world: EngineWorld, one: { id: string }) =>
  world.sent.find(({ subscriptionId, type }) => subscriptionId === one.id && type === 'task.completed')
