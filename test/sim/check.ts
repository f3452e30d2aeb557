/** The delivery promise, CONTRACT §4, rule by rule: one function each, over what happened and what is left. */
import type { Outcome } from '../../src/core/outcome.ts'
import { checkBreaker } from './check-endpoints.ts'
import { checkPolls } from './check-polls.ts'
import { checkPromptness } from './check-promptness.ts'
import { checkQueues } from './check-queues.ts'
import { checkWaits } from './check-waits.ts'
import { type History, type Moment, settlementOf, steppedBetween } from './history.ts'
import type { Job } from './jobs.ts'
import type { DeliveryRow, Remains } from './remains.ts'
import { rowOf } from './users.ts'

export type Check = (history: History, remains: Remains, jobs: readonly Job[]) => string[]

export function checkAll(history: History, remains: Remains, jobs: readonly Job[]): string[] {
  const found = Object.entries(rules).flatMap(([rule, check]) =>
    check(history, remains, jobs).map((what) => `${rule}: ${what}`),
  )
  // One fault shows in many places; the first few tell it.
  return found.slice(0, 20)
}

const isTerminal = (type: string) =>
  ['task.completed', 'task.failed', 'task.cancelled', 'task.lost', 'task.expired'].includes(type)

export function scheduleOf(history: History, type: string): readonly number[] {
  const { retryScheduleMs, retryScheduleInterimMs } = history.config.delivery
  return isTerminal(type) ? retryScheduleMs : retryScheduleInterimMs
}

export const rules: Record<string, Check> = {
  /** "A 201 is given only after the commit is on disk." */
  '4.1 registered is kept': (history, remains) => {
    const rows = new Set(remains.subscriptions.map(({ id }) => id))
    return [...history.created.keys()].filter((id) => !rows.has(rowOf(id))).map((id) => `${id} is gone`)
  },

  /** Every delivery ends; `delivered` only if a receiver said so, `exhausted` only after the whole schedule. */
  '4.1 at least once': (history, remains) => {
    const accepted = new Set(
      history.sends.filter((send) => send.receiverAccepted).map((send) => send.webhookId),
    )
    return remains.deliveries.flatMap((row) => {
      if (row.state === 'delivered' && !accepted.has(row.webhookId))
        return [`${name(row)} was never accepted`]
      if (row.state !== 'exhausted' || row.reason !== 'attempts_exhausted') return []
      const tries = row.attempts - row.scheduleFrom
      const whole = scheduleOf(history, row.type).length + 1
      return tries === whole ? [] : [`${name(row)} exhausted after ${tries} of ${whole}`]
    })
  },

  /** What is pending once everything is well is delivered, and each job's true end is told. */
  '4.1 healed is delivered': (history, remains, jobs) => {
    const healedAt = history.healedAt?.wall ?? 0
    const stuck = remains.deliveries.filter(
      (row) => row.state === 'exhausted' && row.createdAt > healedAt && history.steps.length === 0,
    )
    const untold = remains.tasks.flatMap(({ token, end }) => {
      const job = jobs.find((one) => one.token === token)
      const truth = job?.kind === 'normal' || job?.kind === 'late' ? trueEnd(job) : null
      const finished = remains.subscriptions.some((sub) => sub.token === token && sub.endState === null)
      return truth !== null && finished && end !== truth && end !== 'lost'
        ? [`${token} ended ${end}, not ${truth}`]
        : []
    })
    return [...stuck.map((row) => `${name(row)} exhausted after all was well`), ...untold]
  },

  /** "An attempt counts when it is settled." */
  '4.1 attempts count when settled': (history, remains) => {
    const settled = countBy(history.settlements.map(({ deliveryId }) => deliveryId))
    const answered = countBy(
      history.sends.flatMap((send) => (send.outcome === null ? [] : [send.context?.deliveryId ?? -1])),
    )
    return remains.deliveries.flatMap((row) => {
      const count = settled.get(row.id) ?? 0
      if (count !== row.attempts) return [`${name(row)} has ${row.attempts} attempts, ${count} were settled`]
      const lost = (answered.get(row.id) ?? 0) - count
      const disturbed = history.crashes.length > 0
      return lost === 0 || disturbed ? [] : [`${name(row)} lost ${lost} attempts`]
    })
  },

  ...checkQueues,
  ...checkWaits,
  ...checkBreaker,
  ...checkPromptness,
  ...checkPolls,

  /** "Success is 2xx and nothing else." */
  '4.4 success is 2xx': (history, remains) => {
    const byDelivery = Map.groupBy(history.settlements, ({ deliveryId }) => deliveryId)
    return remains.deliveries.flatMap((row) => {
      const outcomes = (byDelivery.get(row.id) ?? []).map(({ outcome }) => outcome)
      const ok = outcomes.some((outcome) => outcome.kind === 'accepted')
      if (row.state === 'delivered' && !ok) return [`${name(row)} delivered without a 2xx`]
      return ok && row.state !== 'delivered' && row.state !== 'cancelled'
        ? [`${name(row)} accepted but ${row.state}`]
        : []
    })
  },

  /** "A 410 to any attempt makes the subscription `cancelled` (`gone`)." */
  '4.4 gone': (history, remains) => {
    const subscriptions = new Map(remains.subscriptions.map((row) => [row.id, row]))
    const gone = history.sends.filter(
      ({ outcome }) => outcome?.kind === 'rejected' && outcome.statusCode === 410,
    )
    return gone.flatMap((send) => {
      const settlement = settlementOf(history, send)
      const subscriptionId = send.context?.subscriptionId ?? -1
      if (settlement === null) return []
      if (subscriptions.get(subscriptionId)?.endState !== 'cancelled')
        return [`${subscriptionId} goes on after a 410`]
      return history.sends
        .filter((other) => other.context?.subscriptionId === subscriptionId)
        .filter((other) => other.start.order > settlement.moment.order)
        .map((other) => `${other.webhookId} was sent after a 410`)
    })
  },

  /** "Nothing is ever dropped without one of them, a reason and a time." */
  '4.6 every delivery ends': (history, remains) => {
    if (!history.cameToRest) return ['it never came to rest']
    const states = ['delivered', 'superseded', 'exhausted', 'cancelled']
    return remains.deliveries.flatMap((row) => {
      if (!states.includes(row.state)) return [`${name(row)} is ${row.state}`]
      if (row.finishedAt === null) return [`${name(row)} ended without a time`]
      return row.state !== 'delivered' && row.reason === null
        ? [`${name(row)} is ${row.state} without a reason`]
        : []
    })
  },

  /** The attempt log says what happened. */
  '4.7 outcomes': (history, remains) => {
    const byDelivery = Map.groupBy(history.settlements, ({ deliveryId }) => deliveryId)
    return remains.deliveries.flatMap((row) => {
      const told = row.attemptLog.map((one) => `${one.outcome} ${one.statusCode ?? one.errorCode}`).join()
      const met = (byDelivery.get(row.id) ?? []).slice(-20)
      const truth = met.map(({ outcome }) => `${outcome.kind} ${codeOf(outcome)}`).join()
      return told === truth ? [] : [`${name(row)} logged ${told}, met ${truth}`]
    })
  },

  /** "One that was ever accepted ends `delivered`", and it is never superseded. */
  '4.8 redelivery': (history, remains) =>
    history.commands
      .filter(({ kind }) => kind === 'redeliver queued')
      .flatMap(({ delivery, moment }) => {
        const row = remains.deliveries.find(({ webhookId }) => webhookId === delivery)
        if (row === undefined) return [`${delivery} is gone`]
        const superseded = row.state === 'superseded'
        return [...(superseded ? [`${delivery} was superseded`] : []), ...overtaken(history, row, moment)]
      }),

  '4.9 signatures': (history) =>
    history.sends
      .filter((send) => !send.signedRight)
      .map((send) => `${send.webhookId} has a wrong signature`),

  '5 transitions': () => [],
}

/** Between the request and its attempt nothing regular of the subscription goes out. */
function overtaken(history: History, row: DeliveryRow, asked: Moment): string[] {
  const underWay = history.sends.some(
    ({ webhookId, start, end }) =>
      webhookId === row.webhookId && start.order < asked.order && (end === null || end.order > asked.order),
  )
  if (underWay) return []
  const later = history.sends.filter(
    (send) => send.start.order > asked.order && send.context?.subscriptionId === row.subscriptionId,
  )
  const first = later[0]
  if (first === undefined || first.webhookId === row.webhookId || first.context?.rank !== 2) return []
  if (givenUpBefore(history, row, asked, first.start)) return []
  return [`${first.webhookId} went before ${row.webhookId}, which was asked for again`]
}

/**
 * Its endpoint kept it waiting for longer than the whole schedule (4.5), or the clock says so: it ended, as delivered
 * if it was ever accepted, before anything else went out, and had no turn to lose.
 */
function givenUpBefore(history: History, row: DeliveryRow, asked: Moment, first: Moment): boolean {
  if (row.finishedAt === null) return false
  if (row.reason !== 'endpoint_unavailable' && row.state !== 'delivered') return false
  if (steppedBetween(history, asked, first)) return true
  const whole = history.config.delivery.retryScheduleMs.reduce((sum, wait) => sum + wait, 0)
  return row.finishedAt <= first.wall && first.wall - asked.wall > whole
}

function codeOf(outcome: Outcome): string | number {
  return 'statusCode' in outcome ? outcome.statusCode : outcome.errorCode
}

function trueEnd(job: Job): string {
  if (Number(job.end.error ?? 0) !== 0) return 'failed'
  return (
    { completed: 'completed', saved: 'completed', canceled: 'cancelled' }[String(job.end.status)] ?? 'failed'
  )
}

function countBy(ids: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

export function name(row: Pick<DeliveryRow, 'webhookId' | 'type'>): string {
  return `${row.webhookId} (${row.type})`
}
