/** CONTRACT §5.1 to §5.6 as far as calls show it; what must follow from answers is the monitor's matter. */
import type { Check } from './check.ts'
import { type History, type Poll, steppedBetween } from './history.ts'
import { apiOrigin } from './jobs.ts'

/** The calls that hold a token, in order, of one life each. */
function callsByToken(history: History): { token: string; calls: Poll[] }[] {
  const found = new Map<string, Poll[]>()
  for (const poll of history.polls) {
    for (const token of poll.tokens) {
      const key = `${token} ${poll.start.incarnation}`
      found.set(key, [...(found.get(key) ?? []), poll])
    }
  }
  return [...found].map(([key, calls]) => ({ token: key.slice(0, 32), calls }))
}

/** Does `next` belong to the pass that `before` is part of: a half of a split batch, or the API host asked instead? */
function samePass(history: History, token: string, before: Poll, next: Poll): boolean {
  const { answer } = before
  if (answer === null) return false
  const spoiled = answer.kind === 'error' && (answer.code === 13 || answer.code === 5)
  const unread = answer.kind === 'failed' && (answer.reason === 'unreadable' || answer.reason === 'too_large')
  const split = (spoiled || unread) && before.tokens.length > 1 && next.tokens.length < before.tokens.length
  if (split && next.origin === before.origin) return true
  if (before.origin === apiOrigin || next.origin !== apiOrigin) return false
  return (
    answer.kind === 'failed' ||
    (isFailure(before) && hadFailedTwice(history, before)) ||
    (answer.kind === 'statuses' && !answer.statuses.has(token)) ||
    (spoiled && before.tokens.length === 1)
  )
}

/** What answers 429 or an error is left alone first; the one call that shows whether it is well again costs its tasks nothing. */
function hadFailedTwice({ polls }: History, { origin, start, end }: Poll): boolean {
  const before = polls.filter(
    (one) =>
      one.origin === origin &&
      one.start.incarnation === start.incarnation &&
      one.end !== null &&
      one.end.order < end!.order,
  )
  const newest = before.sort((a, b) => b.end!.order - a.end!.order).slice(0, 2)
  return newest.length === 2 && newest.every(isFailure)
}

function isFailure({ answer }: Poll): boolean {
  if (answer?.kind === 'error') return answer.code !== 13 && answer.code !== 5
  return answer?.kind === 'failed' || answer?.kind === 'busy'
}

/** Nobody asked it in the meantime: what it was like then says nothing any more. */
function wasLongAgo(history: History, last: Poll | null, next: Poll): boolean {
  return last !== null && next.start.wall - last.end!.wall > 4 * history.config.poll.intervalMaxMs
}

/**
 * Perhaps of a token that is asked alone, as nobody can read what is said of it: then it is no failure of its host, else it
 * stands for those that were under way with it.
 */
function maySpoil({ answer, tokens }: Poll): boolean {
  return tokens.length === 1 && answer?.kind === 'failed' && /^(unreadable|too_large)$/.test(answer.reason)
}

/**
 * Calls that were under way together, or left one by one within a look of 40 ms, count as one failure; two in a row are the
 * first that back a host off.
 */
function tooSoonAfterFailures(history: History, calls: readonly Poll[], call: Poll): string[] {
  if (call.origin === apiOrigin) return []
  const answered = calls.filter((one) => one.end !== null && one.end.order < call.start.order)
  const { intervalMs, intervalMaxMs } = history.config.poll
  const lookMs = Math.min(40, intervalMs / 5)
  let failures = 0
  let last: Poll | null = null
  let perhapsAt = Number.NEGATIVE_INFINITY
  for (const before of answered.sort((a, b) => a.end!.order - b.end!.order)) {
    if (maySpoil(before)) {
      perhapsAt = before.end!.wall
      continue
    }
    if (!isFailure(before) || wasLongAgo(history, last, before)) failures = 0
    if (!isFailure(before)) continue
    const after = last === null ? perhapsAt : Math.max(last.end!.wall, last.start.wall + lookMs)
    if (before.start.wall >= Math.max(perhapsAt + lookMs, after)) {
      failures++
      last = before
    }
  }
  if (
    failures < 2 ||
    last === null ||
    wasLongAgo(history, last, call) ||
    steppedBetween(history, answered[0]!.start, call.start)
  )
    return []
  const least = 0.8 * Math.min(intervalMaxMs, intervalMs * 2 ** (failures - 2))
  const waited = call.start.wall - last.end!.wall
  return waited >= Math.floor(least)
    ? []
    : [`${call.origin} was called ${waited} ms after ${failures} failures in a row`]
}

/**
 * The longest that a task may go unasked for: its longest wait, the company it waits for, and a call that runs into its
 * time-out, at its own host and at the API host; as much again for the queue, and for what a clock set back hides.
 */
function longestPauseMs({ config: { poll } }: History): number {
  return 2 * (1.2 * poll.intervalMaxMs + poll.intervalMs / 2 + 2 * poll.timeoutMs)
}

/** Without the last resort a task waits for its turn among the few that may ask whether it is back. */
function apiFailedBetween(history: History, before: Poll, next: Poll): boolean {
  return history.polls.some(
    (poll) =>
      poll.origin === apiOrigin &&
      poll.end !== null &&
      isFailure(poll) &&
      poll.end.order > before.start.order &&
      poll.end.order < next.start.order,
  )
}

/** Nobody waited for the task for a while. */
function registeredBetween(history: History, token: string, before: Poll, next: Poll): boolean {
  return [...history.created.values()].some(
    (one) =>
      one.token === token && one.moment.order > before.start.order && one.moment.order < next.start.order,
  )
}

export const checkPolls: Record<string, Check> = {
  /** Elapsed time, so that a step of the clock in either direction excuses nothing. */
  '5.2 polls go on': (history) =>
    callsByToken(history).flatMap(({ token, calls }) =>
      calls.slice(1).flatMap((call, i) => {
        const before = calls[i]!
        const waited = call.start.at - before.start.at
        if (waited <= longestPauseMs(history)) return []
        if (apiFailedBetween(history, before, call)) return []
        if (registeredBetween(history, token, before, call)) return []
        return [`${token.slice(0, 6)} was asked for again only after ${waited} ms`]
      }),
    ),

  '5.2 poll interval': (history) =>
    callsByToken(history).flatMap(({ token, calls }) => {
      let passFrom = calls[0]!
      return calls.slice(1).flatMap((call, i) => {
        if (samePass(history, token, calls[i]!, call)) return []
        const waited = call.start.wall - passFrom.start.wall
        const stepped = steppedBetween(history, passFrom.start, call.start)
        passFrom = call
        const least = history.config.poll.intervalMs
        return waited >= least || stepped
          ? []
          : [`${token.slice(0, 6)} was asked for again after ${waited} ms`]
      })
    }),

  '5.1 batches': (history) =>
    history.polls.flatMap(({ tokens }) => {
      if (tokens.length > history.config.poll.batch) return [`a call carried ${tokens.length} tokens`]
      return new Set(tokens).size === tokens.length ? [] : ['a call carried a token twice']
    }),

  '5 concurrency per host': (history) =>
    history.polls.flatMap((poll) => {
      const under = history.polls.filter(
        ({ origin, start, end }) =>
          origin === poll.origin &&
          start.incarnation === poll.start.incarnation &&
          start.order <= poll.start.order &&
          (end === null || end.order > poll.start.order),
      )
      const { concurrency } = history.config.poll
      return under.length <= concurrency ? [] : [`${under.length} calls at once at ${poll.origin}`]
    }),

  '5.2 allowed hosts': (history) =>
    history.polls
      .filter(({ origin }) => !/^https:\/\/[a-z0-9-]+\.qencode\.com$/.test(origin))
      .map(({ origin }) => `${origin} was called`),

  /** "After an end that upstream reported the task is not polled again." */
  '5.6 no poll after an end': (history) =>
    history.ends.flatMap(({ token, moment }) =>
      history.polls
        .filter((poll) => poll.start.order > moment.order && poll.tokens.includes(token))
        .map(() => `${token.slice(0, 6)} was asked for after its end`),
    ),

  /** "Error 8 or HTTP 429: wait as told." */
  '5.4 busy': (history) =>
    history.polls.flatMap(({ origin, answer, end, start }) => {
      if (answer?.kind !== 'busy' || end === null) return []
      const told = answer.retryAfterMs ?? 0
      return history.polls
        .filter(
          (next) =>
            next.origin === origin &&
            next.start.incarnation === start.incarnation &&
            next.start.order > end.order &&
            next.start.wall < end.wall + told &&
            !steppedBetween(history, end, next.start),
        )
        .map((next) => `${origin} was called ${next.start.wall - end.wall} ms after it asked for ${told} ms`)
    }),

  /** "Repeated failures back the host off." The API host is asked all the same while it is the last resort. */
  '5.3 back-off': (history) =>
    [...Map.groupBy(history.polls, ({ origin, start }) => `${origin} ${start.incarnation}`).values()].flatMap(
      (calls) => calls.flatMap((call) => tooSoonAfterFailures(history, calls, call)),
    ),

  /** A token that got error 13 or 5 alone, from the API host too, "is asked alone from then on". */
  '5.4 asked alone': (history) =>
    callsByToken(history).flatMap(({ token, calls }) => {
      const alone = calls.findIndex(
        ({ answer, tokens, origin }) =>
          answer?.kind === 'error' &&
          (answer.code === 13 || answer.code === 5) &&
          tokens.length === 1 &&
          origin === apiOrigin,
      )
      if (alone < 0 || history.faults.has('diskFull')) return []
      const cleared = calls.slice(alone).findIndex(({ answer }) => answer?.kind === 'statuses')
      const after = calls.slice(alone + 1, cleared < 0 ? undefined : alone + cleared)
      // A registration may begin the task anew, and then it is asked for among the others once more.
      const reopened = [...history.created.values()]
        .filter((one) => one.token === token && one.moment.order > calls[alone]!.end!.order)
        .map(({ moment }) => moment.order)
      const until = Math.min(...reopened)
      const crowded = after.some(({ tokens, start }) => tokens.length > 1 && start.order < until)
      return crowded ? [`${token.slice(0, 6)} spoiled another batch`] : []
    }),
}
