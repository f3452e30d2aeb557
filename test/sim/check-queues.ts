/** CONTRACT §4.2 and §4.3: the order within a subscription, one at a time, the latest wins; and who is left alone. */
import type { Check } from './check.ts'
import { crashedBetween, type History, type Send } from './history.ts'

function redelivered(history: History): Set<string> {
  return new Set(
    history.commands
      .filter(({ kind }) => kind.startsWith('redeliver'))
      .flatMap(({ delivery }) => delivery ?? []),
  )
}

function bySubscription(history: History): Send[][] {
  return [...Map.groupBy(history.sends, (send) => send.context?.subscriptionId).values()]
}

/** The first sight of each webhook id, in order. */
function firstSights(sends: readonly Send[]): Send[] {
  const seen = new Set<string>()
  return sends.filter(({ webhookId }) => !seen.has(webhookId) && seen.add(webhookId))
}

export const checkQueues: Record<string, Check> = {
  /** "`seq` strictly increases at the receiver over first-time deliveries." */
  '4.2 in order': (history) => {
    const again = redelivered(history)
    return bySubscription(history).flatMap((sends) => {
      const first = firstSights(sends).filter(
        (send) => send.context?.seq !== null && !again.has(send.webhookId),
      )
      return first.flatMap((send, i) => {
        const before = first[i - 1]?.context?.seq ?? -1
        return (send.context?.seq ?? 0) > before ? [] : [`${send.webhookId} came after seq ${before}`]
      })
    })
  },

  /** An attempt that a crash cut off does not count: its receiver may still be at it. */
  '4.2 one at a time': (history) =>
    bySubscription(history).flatMap((sends) =>
      sends.flatMap((send, i) => {
        const before = sends[i - 1]
        if (before === undefined || before.start.incarnation !== send.start.incarnation) return []
        const over = before.end !== null && before.end.order < send.start.order
        return over ? [] : [`${send.webhookId} was sent while ${before.webhookId} was under way`]
      }),
    ),

  '4.2 same id, same bytes': (history, remains) => {
    const ids = remains.deliveries.map(({ webhookId }) => webhookId)
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id} names two deliveries`)
    const changed = [...Map.groupBy(history.sends, ({ webhookId }) => webhookId)].flatMap(([id, sends]) =>
      new Set(sends.map(({ body }) => body)).size === 1 ? [] : [`${id} went out with other bytes`],
    )
    const unknown = history.sends.filter(({ context }) => context === null)
    return [...twice, ...changed, ...unknown.map(({ webhookId }) => `${webhookId} belongs to no delivery`)]
  },

  /** "Status changes are never superseded." */
  '4.3 only progress is superseded': (_history, remains) =>
    remains.deliveries.flatMap((row) => {
      if (row.state !== 'superseded') return []
      const newer = remains.deliveries.some(
        (other) =>
          other.subscriptionId === row.subscriptionId && other.id > row.id && other.type !== 'pollhook.test',
      )
      if (row.type !== 'task.progress') return [`${row.webhookId} (${row.type}) was superseded`]
      return newer ? [] : [`${row.webhookId} was superseded by nothing`]
    }),

  /** "Superseded as soon as a newer event of its subscription exists." */
  '4.3 latest wins': (history) =>
    history.sends
      .filter(
        ({ context }) => context?.type === 'task.progress' && context.rank === 2 && context.newerExists === 1,
      )
      .map(({ webhookId }) => `${webhookId} was sent although a newer event existed`),

  /** Nothing starts after the answer to DELETE, nor while paused; the last answered URL holds. */
  '2 promises of answers': (history) =>
    history.sends.flatMap(({ promised, context, url, webhookId }) => {
      if (context === null) return []
      const { subscriptionEnd, subscriptionPaused, endpointPaused, state } = context
      if (promised?.cancelled || subscriptionEnd === 'cancelled')
        return [`${webhookId} was sent after the cancel`]
      if (promised?.paused || subscriptionPaused === 1) return [`${webhookId} was sent while paused`]
      if (endpointPaused === 1) return [`${webhookId} was sent while its endpoint was paused`]
      if (state !== 'pending') return [`${webhookId} was sent although ${state}`]
      if (url !== context.callbackUrl || (promised && promised.url !== url))
        return [`${webhookId} went to ${url}`]
      return []
    }),

  /** The last event of each subscription reaches its receiver, unless it went the way of §4.6. */
  '4.3 latest state arrives': (_history, remains) => {
    const last = new Map(
      remains.deliveries
        .filter(({ type }) => type !== 'pollhook.test')
        .map((row) => [row.subscriptionId, row]),
    )
    return [...last.values()]
      .filter(({ state }) => state === 'superseded' || state === 'pending')
      .map((row) => `${row.webhookId}, the last of its subscription, is ${row.state}`)
  },

  /** A crash does not make an accepted attempt unheard of: it is made again under the same id, or superseded. */
  '4.1 cut off is made again': (history, remains) => {
    const states = new Map(remains.deliveries.map((row) => [row.webhookId, row.state]))
    return history.sends.flatMap((send) => {
      if (send.end !== null) return []
      const again = history.sends.some(
        (other) => other.webhookId === send.webhookId && other.start.order > send.start.order,
      )
      const state = states.get(send.webhookId)
      const end = { ...send.start, order: Number.POSITIVE_INFINITY }
      const excused = state === 'superseded' || state === 'cancelled' || state === 'exhausted'
      if (again || excused || !crashedBetween(history, send.start, end)) return []
      const repeated = history.commands.some(
        ({ kind, delivery }) => kind.startsWith('redeliver') && delivery === send.webhookId,
      )
      return repeated ? [] : [`${send.webhookId} was cut off and not made again (${state})`]
    })
  },
}
