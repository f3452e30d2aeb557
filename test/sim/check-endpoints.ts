/** CONTRACT §4.5: circuit, probes, limits of an endpoint; a sick one does not hurt the others. */
import type { Outcome } from '../../src/core/outcome.ts'
import { type Check, name } from './check.ts'
import { endpointOf } from './check-waits.ts'
import { crashedBetween, type History, type Send, settlementOf, steppedBetween } from './history.ts'
import { healthyOrigin } from './receivers.ts'

function isFailure(outcome: Outcome): boolean {
  if (outcome.kind === 'unreachable') return true
  return outcome.kind === 'rejected' && (outcome.statusCode >= 500 || outcome.statusCode === 429)
}

function byEndpoint(history: History): Send[][] {
  return [...Map.groupBy(history.sends, endpointOf).values()]
}

/** Failures in a row as of a moment, and the end of the last attempt that counted. */
function rowOfFailures(history: History, sends: readonly Send[], at: Send['start']) {
  const ended = sends
    .filter(({ end, outcome }) => end !== null && end.order < at.order && outcome?.kind !== 'refused')
    // What an earlier life did not settle, this one does not know.
    .filter((send) => send.end!.incarnation === at.incarnation || settlementOf(history, send) !== null)
    .sort((a, b) => a.end!.order - b.end!.order)
  const row = ended.slice(ended.findLastIndex(({ outcome }) => !isFailure(outcome!)) + 1)
  return { count: row.length, opened: row[9] ?? null }
}

function limitOf(history: History, send: Send): number {
  const { endpointConcurrency } = history.config.delivery
  return Math.min(send.context?.maxConcurrency ?? endpointConcurrency, endpointConcurrency)
}

export const checkBreaker: Record<string, Check> = {
  /** While the circuit is open one delivery is under way, and the waits of the schedule lie between probes. */
  '4.5 circuit': (history) =>
    byEndpoint(history).flatMap((all) => {
      return all.flatMap((send) => {
        if (send.context === null || send.context.type === 'pollhook.test') return []
        const { count, opened } = rowOfFailures(history, all, send.start)
        if (count < 10 || opened === null) return []
        const probes = all.filter(
          (other) =>
            other.start.order > opened.end!.order &&
            other.start.order < send.start.order &&
            other.context?.type !== 'pollhook.test' &&
            // A probe that an earlier life did not settle is not known to this one.
            (other.start.incarnation === send.start.incarnation || settlementOf(history, other) !== null),
        )
        const before = probes.at(-1) ?? opened
        if (before.end === null || before.end.order > send.start.order)
          return [`two probes at once: ${send.webhookId}`]
        const schedule = history.config.delivery.retryScheduleMs
        const least = 0.8 * Math.min(schedule[Math.min(probes.length, schedule.length - 1)]!, 300_000)
        const waited = send.start.wall - before.end.wall
        if (waited >= least - 2 || steppedBetween(history, before.end, send.start)) return []
        return [`${send.webhookId} probed after ${waited} ms, not ${least}`]
      })
    }),

  '4.5 endpoint concurrency': (history) =>
    byEndpoint(history).flatMap((all) =>
      all.flatMap((send) => {
        const under = all.filter(
          ({ start, end }) =>
            start.incarnation === send.start.incarnation &&
            start.order <= send.start.order &&
            (end === null || end.order > send.start.order),
        )
        const limit = limitOf(history, send)
        return under.length <= limit ? [] : [`${under.length} under way at ${send.url}, ${limit} allowed`]
      }),
    ),

  /** Over any stretch without a change of settings: one burst of a second's worth, then the rate. */
  '4.5 endpoint rate': (history) =>
    byEndpoint(history).flatMap((all) =>
      all.flatMap((send, i) => {
        const rate = send.context?.maxPerSecond ?? null
        if (rate === null) return []
        const from = all.findLastIndex((other, j) => {
          if (j >= i) return false
          const changed = history.commands.some(
            ({ kind, moment }) =>
              kind.startsWith('endpoint') &&
              moment.order > other.start.order &&
              moment.order < send.start.order,
          )
          return (
            changed ||
            crashedBetween(history, other.start, send.start) ||
            steppedBetween(history, other.start, send.start) ||
            other.start.incarnation !== send.start.incarnation ||
            other.context?.maxPerSecond !== rate
          )
        })
        const stretch = all.slice(from + 1, i + 1)
        const worst = stretch.findIndex((first, j) => {
          const seconds = (send.start.at - first.start.at) / 1000
          // No second has more than the rate; within one, what late timers lost is caught up on.
          return stretch.length - j > 1 + rate * Math.max(seconds, 0.02 + 0.98 * seconds) + 0.01
        })
        return worst < 0
          ? []
          : [
              `${send.url} got ${stretch.length - worst} in ${send.start.at - stretch[worst]!.start.at} ms at ${rate}/s`,
            ]
      }),
    ),

  /** The endpoint that is always well gets the first attempt of a lone event at once. */
  '4.5 others are not hurt': (history, remains) => {
    const well = new Set(
      remains.endpoints.filter(({ origin }) => origin === healthyOrigin).map(({ id }) => id),
    )
    const disturbed =
      history.crashes.length + history.steps.length > 0 ||
      history.faults.has('diskFull') ||
      history.faults.has('restart') ||
      history.faults.has('pause') ||
      history.faults.has('endpoints') ||
      history.faults.has('patch')
    if (disturbed) return []
    const deliveries = new Map(remains.deliveries.map((row) => [row.webhookId, row]))
    const first = new Set<number>()
    return history.sends.flatMap((send) => {
      const row = deliveries.get(send.webhookId)
      if (row === undefined || !well.has(row.endpointId) || row.attempts > 1 || first.has(row.subscriptionId))
        return []
      first.add(row.subscriptionId)
      const waited = send.start.wall - row.createdAt
      return waited <= 2_000 ? [] : [`${name(row)} waited ${waited} ms at an endpoint that is well`]
    })
  },

  /** "Kept waiting by its endpoint for longer than the sum of POLLHOOK_RETRY_SCHEDULE." */
  '4.5 endpoint_unavailable': (history, remains) => {
    if (history.steps.length > 0) return []
    const sum = history.config.delivery.retryScheduleMs.reduce((total, wait) => total + wait, 0)
    return remains.deliveries
      .filter((row) => row.reason === 'endpoint_unavailable' && row.finishedAt! - row.createdAt <= sum)
      .map((row) => `${name(row)} was given up after ${row.finishedAt! - row.createdAt} ms`)
  },
}
