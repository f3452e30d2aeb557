/** CONTRACT §4.4: no attempt comes sooner than its schedule, its jitter and `Retry-After` allow. */
import type { Outcome } from '../../src/core/outcome.ts'
import { type Check, scheduleOf } from './check.ts'
import { type History, type Moment, type Send, type Settlement, steppedBetween } from './history.ts'

const toleranceMs = 2

export function endpointOf(send: Send): string {
  return `${send.promised?.ownerId ?? Math.floor((send.context?.subscriptionId ?? 0) / 2 ** 40)} ${new URL(send.url).origin}`
}

/** Milliseconds that this outcome asks to wait; null when it does not say. */
export function askedMs(outcome: Outcome | null, wall: number): number | null {
  if (outcome?.kind !== 'rejected' || outcome.retryAfter === null) return null
  if (outcome.statusCode !== 429 && outcome.statusCode !== 503) return null
  const { retryAfter } = outcome
  return /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Math.max(0, Date.parse(retryAfter) - wall)
}

/** What was settled, and when that attempt began. */
type Tried = Settlement & { start: Moment }

/** Was something done that makes what waits due at once? */
function hastened(history: History, send: Send, last: Tried): boolean {
  const from = last.moment
  const until = send.start.order
  const { subscriptionId } = send.context ?? {}
  const asked = history.commands.some(({ kind, delivery, moment }) => {
    if (moment.order > until) return false
    // Also while that was under way.
    if (kind.startsWith('redeliver')) return delivery === send.webhookId && moment.order > last.start.order
    if (moment.order < from.order) return false
    return kind.startsWith('patch') || kind.startsWith('endpoint')
  })
  const end = { ...send.start }
  // The first success after an open circuit makes all due; which one that was is for the circuit's own check.
  const recovered = history.sends.some(
    (other) =>
      other.outcome?.kind === 'accepted' &&
      // Of the same subscription only what goes before its queue can succeed while this one waits.
      (other.context?.subscriptionId !== subscriptionId || (other.context?.rank ?? 2) < 2) &&
      endpointOf(other) === endpointOf(send) &&
      other.end !== null &&
      other.end.order > from.order &&
      other.end.order < end.order,
  )
  return asked || recovered
}

/** The last settled attempt of the same delivery, with the outcome as the receiver side knows it. */
function settledBefore(history: History, send: Send): Tried | null {
  const mine = history.settlements.filter(
    ({ deliveryId, moment }) => deliveryId === send.context?.deliveryId && moment.order < send.start.order,
  )
  const last = mine.at(-1)
  if (last === undefined) return null
  const attempt = history.sends.findLast(
    ({ context, end }) =>
      context?.deliveryId === last.deliveryId && end !== null && end.order < last.moment.order,
  )
  return { ...last, outcome: attempt?.outcome ?? last.outcome, start: attempt?.start ?? last.moment }
}

/**
 * What a failed attempt asks to wait: by the schedule, before its jitter, and for the sake of a receiver that has too much to do.
 * @param tries attempts of the present schedule, this one included
 */
export function waitsAfter(
  history: History,
  { type, tries, outcome, wall }: { type: string; tries: number; outcome: Outcome; wall: number },
): { scheduledMs: number; overloadedMs: number } {
  const schedule = scheduleOf(history, type)
  const scheduledMs = schedule[tries - 1] ?? 0
  const asked = askedMs(outcome, wall)
  const busy = 'statusCode' in outcome && outcome.statusCode === 429 && asked === null
  const timeout = 'errorCode' in outcome && outcome.errorCode === 'timeout'
  const terminal = schedule === history.config.delivery.retryScheduleMs
  const overloadedMs = terminal && scheduledMs >= 5000 && (busy || timeout) ? 60_000 : 0
  return { scheduledMs, overloadedMs }
}

function leastWaitMs(history: History, send: Send, last: Tried): number {
  const { type, attempts, scheduleFrom } = send.context!
  const { outcome, moment } = last
  const tries = attempts - scheduleFrom
  const { scheduledMs, overloadedMs } = waitsAfter(history, { type, tries, outcome, wall: moment.wall })
  return Math.max(scheduledMs * 0.8, overloadedMs)
}

export const checkWaits: Record<string, Check> = {
  '4.4 retry schedule': (history) =>
    history.sends.flatMap((send) => {
      const last = send.context === null ? null : settledBefore(history, send)
      if (last === null || send.context === null || last.outcome.kind === 'accepted') return []
      if (steppedBetween(history, last.moment, send.start)) return []
      const waited = send.start.wall - last.moment.wall
      const least = leastWaitMs(history, send, last)
      if (waited >= least - toleranceMs || hastened(history, send, last)) return []
      return [`${send.webhookId} was tried again after ${waited} ms, not ${least}`]
    }),

  /** "For the whole endpoint. A wait is never shorter than `Retry-After`." */
  '4.4 Retry-After': (history) =>
    history.sends.flatMap((told) => {
      const asked = told.end === null ? null : askedMs(told.outcome, told.end.wall)
      if (asked === null || told.end === null) return []
      const { end } = told
      const remembered = history.settlements.find(
        ({ deliveryId, moment }) => deliveryId === told.context?.deliveryId && moment.order > end.order,
      )
      return history.sends
        .filter((send) => {
          if (send.start.order < end.order || endpointOf(send) !== endpointOf(told)) return false
          if (steppedBetween(history, end, send.start)) return false
          const same = send.start.incarnation === told.start.incarnation
          const known = same || remembered?.moment.incarnation === told.start.incarnation
          return known && send.start.wall < end.wall + asked - toleranceMs
        })
        .map(
          (send) =>
            `${send.webhookId} went out ${send.start.wall - end.wall} ms after a wait of ${asked} ms was asked`,
        )
    }),
}
