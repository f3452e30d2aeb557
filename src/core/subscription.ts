/** Which transitions a subscription wants, by event patterns and its percent step, and whether it goes on. Pure. */
import { type Change, crossesStep } from './transition.ts'

/** Not over: its owner may change it, and its quota counts it. */
export function isOpen(state: string): boolean {
  return state === 'active' || state === 'paused'
}

/** `*`, `task.*` or one exact type (CONTRACT §2 "Registering"). */
export function eventMatches(patterns: readonly string[], type: string): boolean {
  return patterns.some(
    (pattern) => pattern === '*' || pattern === type || (pattern === 'task.*' && type.startsWith('task.')),
  )
}

export interface Wish {
  events: readonly string[]
  percentStep: number
}

/**
 * Does a subscription with this wish get this change? Progress counts only when the subscription's own
 * step was crossed since the previous transition, whoever's step made the transition.
 */
export function wants(wish: Wish, change: Change, percentBefore: number | null): boolean {
  if (!eventMatches(wish.events, change.type)) return false
  return change.type !== 'task.progress' || crossesStep(percentBefore, change.percent, wish.percentStep)
}
