/**
 * The upstream hosts and the due tasks that queue for a call to one: a master's own, or the API host's while the master is
 * down (CONTRACT §5.3). Makes no calls and knows no answers.
 */
import type { Clock } from '../ports.ts'
import { addTask, bringForward, isBatchDue, takeTasks } from './batch-queue.ts'
import { earliest } from './earliest.ts'
import { type Entry, isAskedAlone, isFresh, never } from './entry.ts'
import {
  callsWaiting,
  type DueQueue,
  type FurtherCall,
  furtherCalls,
  type Host,
  isBlocked,
  isFurther,
  isIdle,
  isInDoubt,
  isOnProbation,
  mayJoinAt,
  type Purpose,
  purposeOf,
  queues,
  setHostBack,
  type Turn,
  toEnd,
  triableAt,
  waitingAt,
} from './host.ts'
import { createKnownHosts } from './known-hosts.ts'
import { createOverflow } from './overflow.ts'
import { hurriedLingerMs, lingerMs, staggerMs } from './pace.ts'
import type { PollSettings } from './poll-ports.ts'

export interface HostsDeps {
  now: Clock
  settings: Omit<PollSettings, 'timeoutMs' | 'lostAfterMs'>
  /** Asks the host, where the call has a place that is to be released. */
  start(host: Host, batch: Entry[], purpose: Purpose): void
  /** No host can be asked at present. */
  refuse(batch: Entry[]): void
  /** Between two passes something is left that has a time to go. */
  wake(): void
}

/** The places of a host, for the further calls of a poll that is under way. */
export interface Places {
  /** Resolves when the call has a place; give it back with `release`. */
  acquire(host: Host, call: FurtherCall): Promise<void>
  release(host: Host, purpose: Purpose): void
}

export interface Company {
  /** It was registered or hinted at a moment ago, and others may be a moment later: they wait for no more company than that. */
  hurried: boolean
  /** Others are polled at its host. */
  hasNeighbours: boolean
  /** When the next task is due; null when there is none but those in queues and calls. */
  nextDueAt: number | null
}

export interface Hosts extends Places {
  api: Host
  /** A due task joins a queue, to share a call with what comes due soon. */
  enqueue(entry: Entry, of: Company, at: number): void
  /** If the task queues it waits for no more company than one that is hinted at. */
  hurry(entry: Entry, at: number): void
  /** Starts the calls there is room for. @returns when to do so again; null when an answer will wake us */
  dispatch(at: number): number | null
  /** The wall clock went back: what was to be in a while is in a while still. */
  clockWentBack(byMs: number): void
}

/**
 * Calls to all masters together, of which whoever registers may name as many as there are names: what is due beyond that is
 * asked for at the API host (docs/decisions/0016-calls-to-masters.md). More where one host may have more.
 */
const masterCallsMax = 64

/** Refusing so many takes about a millisecond: the others wait for the next pass, and what else there is to do comes between. */
const refusedMax = 1_000

export function createHosts({ settings, now, start, refuse, wake }: HostsDeps): Hosts {
  const hosts = createKnownHosts(settings)
  const { api } = hosts
  const overflow = createOverflow(api, settings)
  /** Masters for which something waits or is under way: a pass looks at no others, however many failed not long ago. */
  const busy = new Set<Host>()
  /** However many tokens spoil calls, as many places are left to the others. */
  const suspectsMax = Math.max(1, settings.concurrency >> 1)
  const mastersMax = settings.mastersConcurrency ?? Math.max(masterCallsMax, settings.concurrency)
  let mastersInFlight = 0
  /** How many more this pass may refuse. */
  let refusable = refusedMax

  /** Gives out what places are free, in turns. @returns when to do so again; null when an answer will wake us */
  function serve(host: Host, at: number): number | null {
    for (let turn = nextTurn(host, at); turn !== null; turn = nextTurn(host, at)) take(host, turn, at)
    // Perhaps there is more to be refused than this pass may.
    if (host === api && isBlocked(host, at) && refusable <= 0) return at
    const joinAt = mayJoinAt(host)
    const waits = queues.some((queue) => isDue(host, queue, at))
    if (joinAt > at && waits) return joinAt
    // No answer need come before, where masters say nothing.
    const trialAt = triableAt(api, settings)
    if (waits && isCrowdedOut(host) && trialAt > at) return trialAt
    // What is due by now waits for a place, which comes with an answer.
    const flushAt = earliest(host.known.flushAt, host.fresh.flushAt)
    return flushAt !== null && flushAt > at ? flushAt : null
  }

  function serveNow(host: Host): void {
    if (serve(host, now()) !== null) wake()
  }

  function nextTurn(host: Host, at: number): Turn | null {
    return host.line.find((turn) => mayGo(host, turn, at)) ?? null
  }

  function mayGo(host: Host, turn: Turn, at: number): boolean {
    if (isFurther(turn)) return host.waiters[turn].length > 0 && isFree(host, turn)
    if (!isDue(host, turn, at)) return false
    // What is due at a blocked host needs no place to be refused, or left to the API host.
    if (isBlocked(host, at)) return host !== api || refusable > 0
    if (mayJoinAt(host) > at || (isCrowdedOut(host) && !overflow.mayLeave(host, turn, at))) return false
    return isFree(host, turn)
  }

  /** Has it go, as `mayGo` said that it may. */
  function take(host: Host, turn: Turn, at: number): void {
    if (isFurther(turn)) {
      toEnd(host, turn)
      occupy(host, purposeOf[turn])
      for (const go of host.waiters[turn].take(1)) go()
    } else if (host !== api && (isBlocked(host, at) || isCrowdedOut(host))) leaveToApi(host, turn, at)
    else startOrRefuse(host, turn, at)
  }

  function startOrRefuse(host: Host, queue: DueQueue, at: number): void {
    const batch = takeBatch(host, queue)
    // Nobody wants them any more: that was no turn.
    if (batch.length === 0) return
    toEnd(host, queue)
    if (isBlocked(host, at)) {
      refusable -= batch.length
      refuse(batch)
      return
    }
    occupy(host, purposeOf[queue])
    host.joinAt = at + staggerMs(settings, callsWaiting(host, settings.batch))
    start(host, batch, purposeOf[queue])
  }

  /** What is due at a master that is down, or has no place left among the calls to masters. */
  function leaveToApi(host: Host, queue: DueQueue, at: number): void {
    if (isBlocked(host, at)) handOver(host, at)
    else overflowToApi(host, queue, at)
    // A pass goes to the API host last; what is served between two of them does not.
    wake()
  }

  function overflowToApi(host: Host, queue: DueQueue, at: number): void {
    const leaving = overflow.take(host, queue, at)
    // Beside what stays, which is due, it waited for no company: at the API host others join it, unless it is there to be tried.
    const expectsCompany = waitingAt(host) > 0 && !isInDoubt(api)
    const flushAt = expectsCompany ? at + hurriedLingerMs(settings) : at
    for (const entry of leaving) join(api, entry, flushAt)
  }

  /** All that queues there. */
  function handOver(host: Host, at: number): void {
    const { known, fresh, lone } = host
    const waiting = [known, fresh].flatMap((queue) => takeTasks(queue, queue.tasks.length))
    for (const entry of [...waiting, ...lone.take(lone.length)]) join(api, entry, at)
  }

  function takeBatch(host: Host, queue: DueQueue): Entry[] {
    const batch = queue === 'lone' ? host.lone.take(1) : takeTasks(host[queue], settings.batch)
    return batch.filter(({ wanted }) => wanted)
  }

  function occupy(host: Host, purpose: Purpose): void {
    host.inFlight++
    if (host !== api) {
      mastersInFlight++
      // The others come first now, where there is not a place for each.
      busy.delete(host)
      busy.add(host)
    }
    if (purpose === 'suspects') host.suspectsInFlight++
  }

  function isDue(host: Host, queue: DueQueue, at: number): boolean {
    return queue === 'lone' ? host.lone.length > 0 : isBatchDue(host[queue], settings.batch, at)
  }

  function isFree(host: Host, turn: Turn): boolean {
    // What a master could not answer is as good a probe, many at once. That suspects fail neither ends a probation nor renews it.
    const limit = isOnProbation(host) && turn !== 'fallback' ? 1 : settings.concurrency
    return host.inFlight < limit && (purposeOf[turn] === 'batch' || host.suspectsInFlight < suspectsMax)
  }

  /** For what is due there the calls to masters leave no place. */
  function isCrowdedOut(host: Host): boolean {
    return host !== api && mastersInFlight >= mastersMax
  }

  /** A master that failed again and again gets one batch at a time, as a probe, until it answers. */
  function takesMore(host: Host, at: number): boolean {
    if (isBlocked(host, at)) return false
    return !isOnProbation(host) || (host.inFlight === 0 && waitingAt(host) < settings.batch)
  }

  function join(host: Host, entry: Entry, flushAt: number): void {
    if (host !== api) busy.add(host)
    if (isAskedAlone(entry)) {
      host.lone.push(entry)
      return
    }
    addTask(flushAt < host.freshApartUntil && isFresh(entry) ? host.fresh : host.known, entry, flushAt)
  }

  return {
    api,

    enqueue(entry, { hurried, hasNeighbours, nextDueAt }, at) {
      const own = hosts.of(entry.origin, at)
      const host = own === api || takesMore(own, at) ? own : api
      const most = hurried ? hurriedLingerMs(settings) : lingerMs(settings)
      const comesSoon = nextDueAt !== null && nextDueAt <= at + most
      // At the API host there is company from other hosts.
      const expectsCompany = comesSoon && (hasNeighbours || host !== own)
      // One that was just registered, perhaps not for the first time: others may follow it.
      const least = entry.polledAt === never ? hurriedLingerMs(settings) : 0
      join(host, entry, at + (expectsCompany ? most : least))
    },

    hurry({ origin }, at) {
      const flushAt = at + hurriedLingerMs(settings)
      for (const host of [hosts.find(origin) ?? api, api])
        for (const queue of [host.known, host.fresh]) bringForward(queue, flushAt)
    },

    dispatch(at) {
      let next: number | null = null
      refusable = refusedMax
      for (const host of busy) {
        if (isBlocked(host, at)) handOver(host, at)
        next = earliest(next, serve(host, at))
        if (!isIdle(host)) continue
        busy.delete(host)
        hosts.forget(host, at)
      }
      hosts.makeRoom(at)
      // Last: what is handed over to it goes at once.
      return earliest(next, serve(api, at))
    },

    acquire(host, call) {
      if (host !== api) busy.add(host)
      const placed = new Promise<void>((resolve) => host.waiters[call].push(resolve))
      serveNow(host)
      return placed
    },

    release(host, purpose) {
      host.inFlight--
      host.joinAt = 0
      if (host !== api) mastersInFlight--
      if (purpose === 'suspects') host.suspectsInFlight--
      // Due tasks wait for the pass that comes once the answer is settled, or the poll goes on at the API host.
      if (furtherCalls.some((call) => host.waiters[call].length > 0)) serveNow(host)
    },

    clockWentBack(byMs) {
      for (const host of hosts.all()) setHostBack(host, byMs)
    },
  }
}
