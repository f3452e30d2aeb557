/**
 * The poll pass: which tasks are due, asked in batches of one host each, their answers recorded. The
 * schedule lives in memory; a poll that changes nothing writes nothing (DESIGN §3.4).
 */
import { pollWaitMs } from '../core/backoff.ts'
import { type Reading, readingOf, repeats } from '../core/snapshot.ts'
import type { PollRecord, PollResult } from '../store/polls.ts'
import type { Watch } from '../store/watches.ts'
import { askForAll, type Reply } from './ask.ts'
import { createCalendar, type Dated } from './calendar.ts'
import {
  acquire,
  createHost,
  type Host,
  isBlocked,
  isForgettable,
  isOnProbation,
  unblockedAt,
} from './host.ts'
import { answerOf, isNews } from './news.ts'
import { dayMs, lingerMs, wakeMs } from './pace.ts'
import type { PollDeps, Poller } from './poll-ports.ts'
import { createRecorder } from './recorder.ts'

/** A task in memory. */
interface Entry extends Dated {
  token: string
  watch: Watch
  /** What the last poll read, if nothing in it was new: the same again is nothing new either. */
  seen: Reading | null
  origin: string
  /** Minus infinity when it was not yet: always one kind of number, which V8 then overwrites in place. */
  polledAt: number
  /** It is in a call, or in a host's queue. */
  busy: boolean
  /** False once nobody waits for the task any more; registered anew it is another entry. */
  wanted: boolean
}

const never = Number.NEGATIVE_INFINITY

export function createPoller(deps: PollDeps): Poller {
  const { store, settings, now, random } = deps
  const entries = new Map<string, Entry>()
  const hosts = new Map<string, Host<Entry>>()
  const due = createCalendar<Entry>(dayMs(settings), now())
  /** When a task that is no longer polled was last asked for: registering it anew must not poll too soon. */
  const lately = new Map<string, number>()
  const calls = new Set<Promise<void>>()
  /** Hinted at while they are asked for: the answer may be older than the hint. */
  const askAgain = new Set<Entry>()
  /** An outage is written down again and again, once an interval: a gap in it is time this relay was not up. */
  let outageSeenAt = 0
  const apiHost = hostOf(settings.apiOrigin)
  const limits = { lostAfterMs: settings.lostAfterMs, stalledAfterMs: 5 * settings.intervalMaxMs }
  const context = { ...deps, poll: settings, apiHost }
  const record = createRecorder({ ...deps, limits, onRecorded: follow })

  function hostOf(origin: string): Host<Entry> {
    const found = hosts.get(origin)
    if (found !== undefined) return found
    const host = createHost<Entry>(origin)
    hosts.set(origin, host)
    return host
  }

  function originOf(watch: Watch): string {
    return (watch.statusUrl === null ? null : deps.statusOrigin(watch.statusUrl)) ?? settings.apiOrigin
  }

  function schedule(entry: Entry, at: number): void {
    const soonest = entry.polledAt + settings.intervalMs
    const dueAt = Math.max(soonest, Math.min(at, entry.watch.expiresAt))
    if (!entry.busy) due.set(entry, dueAt)
  }

  function add(watch: Watch, at: number): void {
    const { token } = watch
    const entry: Entry = {
      token,
      watch,
      seen: null,
      origin: originOf(watch),
      polledAt: lately.get(token) ?? never,
      busy: false,
      wanted: true,
      dueAt: at,
      day: null,
    }
    lately.delete(token)
    entries.set(token, entry)
    schedule(entry, at)
  }

  function remove(entry: Entry): void {
    due.delete(entry)
    askAgain.delete(entry)
    entry.wanted = false
    entries.delete(entry.token)
    if (entry.polledAt !== never) lately.set(entry.token, entry.polledAt)
  }

  function update(entry: Entry, watch: Watch): void {
    entry.watch = watch
    entry.seen = null
    entry.origin = originOf(watch)
  }

  /** Due tasks move to the queue of their host; those of a host that is down go to the API host. */
  function enqueueDue(at: number): void {
    for (const entry of due.takeDue(at)) {
      const own = hostOf(entry.origin)
      const host = own === apiHost || isOpen(own, at) ? own : apiHost
      entry.busy = true
      if (entry.watch.askedAlone) {
        host.lone.push(entry)
        continue
      }
      const first = entry.polledAt === never && entry.watch.status === null
      const flushAt = at + lingerMs(settings, first)
      host.ready.push(entry)
      host.flushAt = Math.min(host.flushAt ?? flushAt, flushAt)
    }
  }

  /** A master that failed again and again gets one batch at a time, as a probe, until it answers. */
  function isOpen(host: Host<Entry>, at: number): boolean {
    if (isBlocked(host, at)) return false
    return !isOnProbation(host) || (host.inFlight === 0 && host.ready.length < settings.batch)
  }

  /** @returns when this host is to be looked at again; null when nothing waits or an answer will wake us */
  function dispatch(host: Host<Entry>, at: number): number | null {
    while (host.ready.length + host.lone.length > 0) {
      const full = host.lone.length > 0 || host.ready.length >= settings.batch
      if (!full && host.flushAt !== null && host.flushAt > at) return host.flushAt
      const blocked = isBlocked(host, at)
      if (!blocked && host.inFlight >= (isOnProbation(host) ? 1 : settings.concurrency)) return null
      const batch = takeBatch(host)
      if (blocked) track(settle(batch, new Map(), at))
      else if (batch.length > 0) start(host, batch)
    }
    return null
  }

  function takeBatch(host: Host<Entry>): Entry[] {
    const lone = host.lone.shift()
    const batch = lone === undefined ? host.ready.splice(0, settings.batch) : [lone]
    if (host.ready.length === 0) host.flushAt = null
    return batch.filter(({ wanted }) => wanted)
  }

  function start(host: Host<Entry>, batch: Entry[]): void {
    const startedAt = now()
    deps.onBatch(Math.max(0, startedAt - Math.min(...batch.map((entry) => entry.dueAt))))
    for (const entry of batch) {
      entry.polledAt = startedAt
      // This call is what a hint asked for that came while it waited in the queue.
      askAgain.delete(entry)
    }
    const tokens = batch.map(({ token }) => token)
    // Of the batch, not among all tasks: a token registered anew meanwhile is another entry, with a call of its own.
    const stillWanted = () => new Set(batch.filter(({ wanted }) => wanted).map(({ token }) => token))
    // There is a place: the promise is resolved already and only takes it.
    const call = acquire(host, settings.concurrency)
      .then(() => askForAll({ ...context, stillWanted }, host, tokens))
      .catch((error: unknown) => {
        deps.log.error('poll failed', { error })
        return new Map<string, Reply>()
      })
    track(call.then((replies) => settle(batch, replies, startedAt)))
  }

  /** Until it is over the relay is not idle, and then there may be something to do. */
  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => deps.log.error('poll could not be settled', { error }))
      .finally(() => {
        calls.delete(tracked)
        deps.wake()
      })
    calls.add(tracked)
  }

  /** No reply counts as one that could not be had. */
  async function settle(
    batch: readonly Entry[],
    replies: ReadonlyMap<string, Reply>,
    polledAt: number,
  ): Promise<void> {
    const at = now()
    const news: PollResult[] = []
    const failed = new Set<Entry>()
    // Without a reply as nobody waited for it any more: the task, registered anew meanwhile, has not failed.
    for (const entry of batch.filter(({ wanted, token }) => wanted || replies.has(token))) {
      const { token } = entry
      const reply = replies.get(token) ?? { kind: 'failed' }
      if (reply.kind === 'known' && repeats(reply.entry, entry.seen) && entry.watch.expiresAt > polledAt)
        continue
      const answer = answerOf(reply, deps.statusOrigin)
      if (answer.kind === 'failed') failed.add(entry)
      const outage = answer.kind === 'failed' && Math.abs(at - outageSeenAt) >= settings.intervalMs
      if (!outage && !isNews(entry.watch, answer, limits, polledAt, at)) {
        entry.seen = reply.kind === 'known' ? readingOf(reply.entry) : null
        continue
      }
      news.push({ token, answer, polledAt })
      if (answer.kind === 'failed') outageSeenAt = at
    }
    try {
      if (news.length > 0) await record(news)
    } finally {
      for (const entry of batch) {
        entry.busy = false
        const waitMs = askAgain.delete(entry) ? 0 : waitAfter(entry, failed.has(entry), at)
        if (entry.wanted) schedule(entry, at + waitMs)
      }
    }
  }

  function follow(records: readonly PollRecord[]): void {
    for (const { token, watch } of records) {
      const entry = entries.get(token)
      if (entry === undefined) continue
      if (watch === null) remove(entry)
      else update(entry, watch)
    }
    deps.onRecorded(records)
  }

  function waitAfter(entry: Entry, failed: boolean, at: number): number {
    if (entry.watch.regressed) return settings.intervalMs
    const { intervalMs, intervalMaxMs } = settings
    const blockedMs = failed ? Math.max(0, unblockedAt(apiHost) - at) : 0
    const sinceChangeMs = at - entry.watch.changedAt
    const wait = pollWaitMs({ intervalMs, intervalMaxMs, sinceChangeMs, chance: random() })
    return Math.max(wait, Math.min(blockedMs, intervalMaxMs))
  }

  return {
    start() {
      const at = now()
      for (const watch of store.watches()) add(watch, at + random() * settings.intervalMs)
    },

    pass() {
      const at = now()
      enqueueDue(at)
      for (const [token, polledAt] of lately) {
        if (polledAt + settings.intervalMs > at) break
        lately.delete(token)
      }
      let next: number | null = null
      for (const host of hosts.values()) {
        const again = dispatch(host, at)
        if (again !== null) next = Math.min(next ?? again, again)
        if (host !== apiHost && isForgettable(host, at, settings.intervalMaxMs)) hosts.delete(host.origin)
      }
      const dueAt = due.nextAt()
      if (dueAt === null) return next
      const wakeAt = Math.max(dueAt, at + wakeMs(settings, entries.size))
      return Math.min(next ?? wakeAt, wakeAt)
    },

    reload(tokens) {
      const changed = [...tokens]
      const watches = store.watchesOf(changed)
      for (const token of changed) {
        const watch = watches.get(token)
        const entry = entries.get(token)
        if (watch === undefined) {
          if (entry !== undefined) remove(entry)
        } else if (entry === undefined) add(watch, now())
        else {
          update(entry, watch)
          schedule(entry, entry.dueAt)
        }
      }
      deps.wake()
    },

    hint(token) {
      const entry = entries.get(token)
      if (entry === undefined) return
      if (entry.busy) askAgain.add(entry)
      else schedule(entry, now())
      deps.wake()
    },

    polledAt(token) {
      const at = entries.get(token)?.polledAt ?? lately.get(token) ?? never
      return at === never ? null : at
    },
    taskCount: () => entries.size,

    async idle() {
      while (calls.size > 0) await Promise.all(calls)
    },
  }
}
