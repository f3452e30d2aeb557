/**
 * CONTRACT §4.4 and §4.5 from the other side: what may go goes. While nothing is under way at an endpoint that is well,
 * nothing waits there for longer than its schedule with its jitter, an overloaded receiver or `Retry-After` asks, and after an
 * outage nothing at all; while its circuit is open, probes wait no longer than theirs.
 */
import { type Check, name } from './check.ts'
import { askedMs, waitsAfter } from './check-waits.ts'
import {
  type Command,
  type History,
  type Moment,
  type Send,
  type Settlement,
  settlementOf,
} from './history.ts'
import type { DeliveryRow, Remains } from './remains.ts'
import { rowOf } from './users.ts'

/** A commit, a look, the next step of waits that end. */
const slackMs = 1_000
/** The slowest rate that users set is 0.2 a second. */
const rateSlackMs = 6_000
const jitter = 1.2
const probeWaitMsMax = 300_000

/** Nothing was under way at an endpoint, nobody asked for anything, and the clock was not set: until then all times compare. */
interface Idle {
  from: Moment
  until: Moment
}

/** What is known of an endpoint as a stretch begins. */
interface Health {
  open: boolean
  /** Until then its circuit or `Retry-After` may hold it. */
  heldUntil: number
  /** Of this life: the last success that ended an outage. */
  recovered: Moment | null
}

function idleOf(history: History, sends: readonly Send[]): Idle[] {
  const breaks = history.commands.map(({ moment }) => ({ moment, underWay: 0 }))
  const attempts = sends.flatMap(({ start, end }) => [
    { moment: start, underWay: 1 },
    ...(end === null ? [] : [{ moment: end, underWay: -1 }]),
  ])
  const last = history.steps[0] ?? history.restAt!
  return history.lives.flatMap(({ from, until: over }) => {
    const until = over === null || over.order > last.order ? last : over
    const ends = [from, until].map((moment) => ({ moment, underWay: 0 }))
    const events = [...ends, ...attempts, ...breaks]
      .filter(({ moment }) => moment.order >= from.order && moment.order <= until.order)
      .sort((a, b) => a.moment.order - b.moment.order)
    let underWay = 0
    return events.flatMap(({ moment, underWay: change }, i) => {
      underWay += change
      const next = events[i + 1]?.moment
      if (underWay > 0 || next === undefined) return []
      // A step of the clock is noted after it.
      return [{ from: moment, until: { ...next, wall: moment.wall + next.at - moment.at } }]
    })
  })
}

function healthOf(history: History, sends: readonly Send[], at: Moment): Health {
  const health: Health = { open: false, heldUntil: 0, recovered: null }
  let failures = 0
  let openedBy: Send | null = null
  let owes = false
  const ended = sends
    .filter(({ end }) => end !== null && end.order <= at.order)
    // What an earlier life did not settle, this one does not know.
    .filter((send) => send.end!.incarnation === at.incarnation || settlementOf(history, send) !== null)
    .sort((a, b) => a.end!.order - b.end!.order)
  for (const send of ended) {
    const { outcome, end } = send
    if (outcome === null || end === null) continue
    health.heldUntil = Math.max(health.heldUntil, end.wall + (askedMs(outcome, end.wall) ?? 0))
    if (outcome.kind === 'refused') continue
    if (outcome.kind === 'unreachable' || (outcome.kind === 'rejected' && isFailing(outcome.statusCode))) {
      failures++
      if (failures === 10) openedBy = send
      continue
    }
    owes ||= failures >= 10
    failures = 0
    if (outcome.kind !== 'accepted') continue
    if (owes && end.incarnation === at.incarnation) health.recovered = end
    owes = false
  }
  health.open = failures >= 10
  if (!health.open || openedBy === null) return health
  const { order } = openedBy.end!
  const probes = ended.filter(
    ({ start, context }) => start.order > order && context?.type !== 'pollhook.test',
  )
  const schedule = history.config.delivery.retryScheduleMs
  const wait = jitter * schedule[Math.min(probes.length, schedule.length - 1)]!
  const last = probes.at(-1) ?? openedBy
  health.heldUntil = Math.max(health.heldUntil, last.end!.wall + Math.min(wait, probeWaitMsMax))
  return health
}

const isFailing = (statusCode: number) => statusCode >= 500 || statusCode === 429

/** The last word on a switch; null when a command was not answered, so that nobody knows. */
function isOn(commands: readonly Command[], at: Moment, read: (command: Command) => boolean | undefined) {
  let on: boolean | null = false
  for (const command of commands) {
    if (command.moment.order > at.order) break
    if (command.kind.endsWith('?')) on = null
    else on = read(command) ?? on
  }
  return on
}

/** When the latest of its causes to wait is over. */
function dueAt(
  history: History,
  row: DeliveryRow,
  last: Settlement | null,
  of: { health: Health; asked: Moment | null },
) {
  const { health, asked } = of
  if (asked !== null && asked.order > (last?.moment.order ?? -1)) return asked.wall
  if (last === null) return row.createdAt
  if (health.recovered !== null && health.recovered.order > last.moment.order) return health.recovered.wall
  const attempt = history.sends.findLast(
    ({ context, end }) => context?.deliveryId === row.id && end !== null && end.order < last.moment.order,
  )
  const context = attempt?.context
  if (!attempt?.outcome || !context) return Number.POSITIVE_INFINITY
  const { outcome } = attempt
  const { wall } = last.moment
  const tries = context.attempts - context.scheduleFrom + 1
  const { scheduledMs, overloadedMs } = waitsAfter(history, { type: row.type, tries, outcome, wall })
  return wall + Math.max(scheduledMs * jitter, overloadedMs, askedMs(outcome, wall) ?? 0)
}

/** What an endpoint has had to deliver, and what users asked for, by subscription. */
interface Queues {
  rows: readonly DeliveryRow[]
  commands: ReadonlyMap<number, readonly Command[]>
}

/** By subscription: when the last of what waits there is due. Those of which not enough is known are left out. */
function waitingAt(history: History, of: Queues, idle: Idle, health: Health) {
  const waiting = new Map<number, { row: DeliveryRow; due: number }>()
  const unsure = new Set<number>()
  for (const row of of.rows) {
    const commands = of.commands.get(row.subscriptionId) ?? []
    if (isUnsure(commands, idle.from)) unsure.add(row.subscriptionId)
    if (row.createdAt >= idle.until.wall || (row.finishedAt ?? Number.POSITIVE_INFINITY) <= idle.until.wall)
      continue
    const asked =
      commands.findLast(
        ({ kind, delivery, moment }) =>
          kind === 'redeliver queued' && delivery === row.webhookId && moment.order <= idle.from.order,
      )?.moment ?? null
    const last = history.settlements.findLast(
      ({ deliveryId, moment }) => deliveryId === row.id && moment.order < idle.until.order,
    )
    if (last !== undefined && last.state !== 'pending' && (asked?.order ?? -1) < last.moment.order) continue
    const due = dueAt(history, row, last ?? null, { health, asked })
    const before = waiting.get(row.subscriptionId)
    if (before === undefined || due > before.due) waiting.set(row.subscriptionId, { row, due })
  }
  for (const subscriptionId of unsure) waiting.delete(subscriptionId)
  return [...waiting.values()]
}

/** Paused, or perhaps; or moved or asked for again since, so that it cannot be said what waited where. */
function isUnsure(commands: readonly Command[], at: Moment): boolean {
  const paused = isOn(
    commands.filter(({ kind }) => kind.startsWith('patch')),
    at,
    ({ detail }) => (detail.state === undefined ? undefined : detail.state === 'paused'),
  )
  if (paused !== false) return true
  return commands.some(({ kind, detail, moment }) => {
    if (kind === 'redeliver many') return true
    return moment.order > at.order && (detail.callbackUrl !== undefined || kind.startsWith('redeliver'))
  })
}

function isHeldByUser(history: History, endpoint: Remains['endpoints'][number], at: Moment): boolean {
  const mine = history.commands.filter(
    ({ kind, detail }) =>
      kind.startsWith('endpoint') && detail.ownerId === endpoint.ownerId && detail.origin === endpoint.origin,
  )
  return isOn(mine, at, ({ detail }) => detail.paused as boolean | undefined) !== false
}

export const checkPromptness: Record<string, Check> = {
  '4.5 no needless wait': (history, remains) => {
    // What cannot be written waits for the disk; what was made after a step back seems to have been there before.
    const isUntold = history.faults.has('diskFull') || history.steps.some(({ ms }) => ms < 0)
    if (isUntold || history.restAt === null) return []
    const slack = slackMs + (history.faults.has('endpoints') ? rateSlackMs : 0)
    const commands = Map.groupBy(history.commands, ({ subscription }) => rowOf(subscription ?? ''))
    return remains.endpoints.flatMap((endpoint) => {
      const sends = history.sends.filter(({ context }) => context?.endpointId === endpoint.id)
      const rows = remains.deliveries.filter(({ endpointId }) => endpointId === endpoint.id)
      return idleOf(history, sends).flatMap((idle) => {
        if (idle.until.wall - idle.from.wall <= slack || isHeldByUser(history, endpoint, idle.from)) return []
        const health = healthOf(history, sends, idle.from)
        const waiting = waitingAt(history, { rows, commands }, idle, health).sort((a, b) => a.due - b.due)
        // An open circuit lets one go.
        const first = health.open ? waiting.slice(0, 1) : waiting
        return first.flatMap(({ row, due }) => {
          const from = Math.max(idle.from.wall, health.heldUntil, due)
          const waited = idle.until.wall - from
          return waited <= slack ? [] : [`${name(row)} waited ${waited} ms for nothing (from ${from})`]
        })
      })
    })
  },
}
