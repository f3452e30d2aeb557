/**
 * The poll pass: which tasks are due, asked in batches of one host each, their answers recorded. The
 * schedule lives in memory; a poll that changes nothing writes nothing (DESIGN §3.4).
 */
import { putNewest } from '../core/newest.ts'
import { createTally } from '../core/tally.ts'
import type { PollLimits, PollRecord } from '../store/polls.ts'
import { firstWatch, type Watch, type WatchCursor } from '../store/watches.ts'
import { askForAll, type Reply } from './ask.ts'
import { createCalendar } from './calendar.ts'
import { earliest } from './earliest.ts'
import { type Entry, never, setEntryBack } from './entry.ts'
import type { Host, Purpose } from './host.ts'
import { createHosts } from './hosts.ts'
import { createJudge, type Judgement } from './judge.ts'
import { createLooks } from './looks.ts'
import { createNextPoll } from './next-poll.ts'
import { dayMs } from './pace.ts'
import type { PollDeps, Poller, PollSettings } from './poll-ports.ts'
import { createRecorder } from './recorder.ts'

/** Of so many that are no longer polled it is known when they were. */
const latelyMax = 50_000

/** A stall is five of the longest waits (CONTRACT §3); a poll may run into its time-out at its host and at the API host. */
function limitsOf({ lostAfterMs, intervalMaxMs, timeoutMs }: PollSettings): PollLimits {
  return { lostAfterMs, stalledAfterMs: 5 * intervalMaxMs, pollMsMax: 2 * timeoutMs }
}

export function createPoller(deps: PollDeps): Poller {
  const { store, settings, now, random, timers, log, inFlight } = deps
  const entries = new Map<string, Entry>()
  const due = createCalendar<Entry>(dayMs(settings), now())
  const looks = createLooks(settings)
  /** When tasks that are no longer polled last were: users read it, and registering one anew must not poll too soon. */
  const lately = new Map<string, number>()
  /** Subscriptions of these tasks changed since they were last read. */
  const changed = new Set<string>()
  const calls = new Set<Promise<void>>()
  /** How many tasks are polled at each host. */
  const polledAtHost = createTally<string>()
  /** The polled tasks behind it have not been read since the start; null once all have. */
  let unread: WatchCursor | null = null
  /** Since they were last asked for, or refused: what an answer says that comes then may be older. */
  const hinted = new Set<Entry>()
  const hosts = createHosts({ settings, now, start, refuse, wake: deps.wake })
  const limits = limitsOf(settings)
  const context = { ...deps, places: hosts, poll: settings, apiHost: hosts.api }
  const nextPoll = createNextPoll({ settings, limits, random, apiHost: hosts.api, hinted })
  const judge = createJudge({ ...limits, intervalMs: settings.intervalMs }, deps.statusOrigin)
  const record = createRecorder({ store, limits, now, timers, log, inFlight, onRecorded: follow })

  function readChanged(): void {
    const watches = store.watchesOf([...changed])
    for (const token of changed) {
      const watch = watches.get(token)
      const entry = entries.get(token)
      if (watch === undefined) {
        if (entry !== undefined) remove(entry)
      } else if (entry === undefined) {
        add(watch, now())
        looks.hurry()
      } else {
        update(entry, watch)
        schedule(entry, entry.dueAt)
      }
    }
    changed.clear()
  }

  /** First polls are spread over one interval. */
  function readMore(cursor: WatchCursor, at: number): void {
    const { watches, next } = store.watchesAfter(cursor)
    for (const watch of watches) {
      // Registered, or asked for, since the start.
      if (!entries.has(watch.token)) add(watch, at + random() * settings.intervalMs)
    }
    unread = next
    if (next === null) deps.log.info('schedule read', { tasks: entries.size })
  }

  function originOf(watch: Watch): string {
    return (watch.statusUrl === null ? null : deps.statusOrigin(watch.statusUrl)) ?? settings.apiOrigin
  }

  function schedule(entry: Entry, at: number): void {
    if (!entry.busy) due.set(entry, nextPoll.plannedAt(entry, at))
  }

  function add(watch: Watch, at: number): void {
    const { token } = watch
    const polledAt = lately.get(token) ?? never
    const entry: Entry = {
      token,
      watch,
      seen: null,
      origin: originOf(watch),
      polledAt: polledAt + settings.intervalMs > now() ? polledAt : never,
      busy: false,
      unreadable: false,
      wanted: true,
      dueAt: at,
      day: null,
    }
    entries.set(token, entry)
    polledAtHost.add(entry.origin)
    schedule(entry, at)
  }

  function remove(entry: Entry): void {
    due.delete(entry)
    hinted.delete(entry)
    entry.wanted = false
    entries.delete(entry.token)
    polledAtHost.remove(entry.origin)
    if (entry.polledAt !== never) putNewest(lately, entry.token, entry.polledAt, latelyMax)
  }

  function update(entry: Entry, watch: Watch): void {
    entry.watch = watch
    entry.seen = null
    const origin = originOf(watch)
    if (origin === entry.origin) return
    polledAtHost.remove(entry.origin)
    polledAtHost.add(origin)
    entry.origin = origin
  }

  function takeDue(at: number): void {
    const taken = due.takeDue(at)
    const nextDueAt = due.nextAt()
    for (const entry of taken) {
      entry.busy = true
      const hurried = hinted.has(entry) || (entry.polledAt === never && entry.watch.status === null)
      hosts.enqueue(entry, { hurried, hasNeighbours: polledAtHost.count(entry.origin) > 1, nextDueAt }, at)
    }
  }

  function start(host: Host, batch: Entry[], purpose: Purpose): void {
    const startedAt = now()
    deps.onBatch(Math.max(0, startedAt - Math.min(...batch.map((entry) => entry.dueAt))))
    for (const entry of batch) {
      entry.polledAt = startedAt
      hinted.delete(entry)
    }
    const tokens = batch.map(({ token }) => token)
    // Of the batch, not among all tasks: a token registered anew meanwhile is another entry, with a call of its own.
    const stillWanted = () => new Set(batch.filter(({ wanted }) => wanted).map(({ token }) => token))
    const call = askForAll({ ...context, stillWanted }, host, tokens, purpose).catch((error: unknown) => {
      deps.log.error('poll failed', { error })
      return new Map<string, Reply>()
    })
    track(call.then((replies) => settle(batch, replies, startedAt)))
  }

  function refuse(batch: readonly Entry[]): void {
    track(settle(batch, new Map(), now()))
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

  async function settle(
    batch: readonly Entry[],
    replies: ReadonlyMap<string, Reply>,
    startedAt: number,
  ): Promise<void> {
    const at = now()
    // What was refused has no replies. The interval counts from the answer: a call may take a while to reach upstream, and the
    // next one less.
    for (const entry of replies.size > 0 ? batch : []) {
      entry.polledAt = at
      if (!entry.wanted) putNewest(lately, entry.token, at, latelyMax)
    }
    // The clock may have been set back since: nobody's time ran out by that.
    const polledAt = Math.min(startedAt, at)
    let judged: Judgement | null = null
    try {
      judged = judge.weigh(batch, replies, polledAt, at)
      // Of several that were all read none is unreadable, or was: those that are have calls of their own.
      if (batch.length === 1 || judged.failed.size > 0) noteUnreadable(batch, replies)
      if (judged.news.length > 0) await record(judged.news)
    } finally {
      // Also where it could not be judged or written: then it is all the more to be polled again. The clock may have been set
      // back while it waited for its commit.
      const settledAt = Math.min(at, now())
      for (const entry of batch) {
        entry.busy = false
        const nextAt = nextPoll.after(entry, judged, polledAt, settledAt)
        if (entry.wanted) due.set(entry, nextAt)
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

  return {
    start() {
      readMore(firstWatch, now())
    },

    pass() {
      if (changed.size > 0) readChanged()
      const at = now()
      if (looks.take(at, entries.size)) takeDue(at)
      const next = hosts.dispatch(at)
      if (unread !== null) {
        // Last: a part that cannot be read keeps nothing waiting that was read before.
        readMore(unread, at)
        return at
      }
      const dueAt = due.nextAt()
      return dueAt === null ? next : earliest(next, Math.max(dueAt, looks.nextAt(entries.size)))
    },

    reload(tokens) {
      for (const token of tokens) changed.add(token)
      try {
        readChanged()
      } catch (error) {
        // What was changed is on disk: the next pass reads it, or the one after.
        deps.log.error('changed tasks could not be read; trying again', { error })
      }
      deps.wake()
    },

    hint(token) {
      const entry = entries.get(token)
      if (entry === undefined && unread === null) return
      // Perhaps not read yet since the start.
      if (entry === undefined) changed.add(token)
      else if (!hinted.has(entry)) {
        hinted.add(entry)
        if (entry.busy) hosts.hurry(entry, now())
        else {
          schedule(entry, now())
          looks.hurry()
        }
      }
      deps.wake()
    },

    polledAt(token) {
      const at = entries.get(token)?.polledAt ?? never
      return at === never ? (lately.get(token) ?? null) : at
    },
    taskCount: () => entries.size,
    pollCount: () => calls.size,
    cutOff: judge.cutOff,

    clockWentBack(byMs) {
      hosts.clockWentBack(byMs)
      judge.clockWentBack(byMs)
      looks.clockWentBack(byMs)
      for (const [token, polledAt] of lately) lately.set(token, polledAt - byMs)
      for (const entry of entries.values()) {
        setEntryBack(entry, byMs)
        if (!entry.busy) due.set(entry, entry.dueAt - byMs)
      }
    },

    async idle() {
      while (calls.size > 0) await Promise.all(calls)
    },
  }
}

/** Kept in memory only: after a start it is found again, with a few calls where a batch has few of the kind. */
function noteUnreadable(batch: readonly Entry[], replies: ReadonlyMap<string, Reply>): void {
  for (const entry of batch) {
    const reply = replies.get(entry.token)
    if (reply === undefined) continue
    // What fails otherwise does not tell: what was known of it holds.
    entry.unreadable = reply.kind === 'failed' && (reply.askAlone || entry.unreadable)
  }
}
