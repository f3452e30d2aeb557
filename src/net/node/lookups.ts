/**
 * Looks up the names of callbacks, few at a time: the system's resolver has few threads, and a name whose servers never
 * answer holds one for longer than a connection may take to open. Who goes first, and why:
 * docs/decisions/0004-ssrf-guard.md. Knows names only.
 */
import type { LookupAddress } from 'node:dns'
import { putNewest } from '../../core/newest.ts'

/** All addresses of a name; rejects when there is none. */
export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>

export interface LookupsOptions {
  lookup: Lookup
  /** Lookups under way at once. */
  lookupsMax: number
  /** So long after it was last asked for, nobody waits for a name any more: it is forgotten if its turn has not come. */
  waitMs: number
}

interface Asked {
  hostname: string
  zone: string
  answer: PromiseWithResolvers<readonly LookupAddress[]>
  /** While it waits. */
  forget: NodeJS.Timeout
}

/** A resolver that has to ask around takes a tenth of it. */
const slowMs = 1_000
/** Shorter than the shortest wait between two attempts (CONTRACT §1, less its jitter), so that each does ask. */
const refuseMs = 3_000
/** Names of which it is known how their last lookup went. */
const namesMax = 10_000

/** Lookups of one name that run or wait at the same time are one. What nobody waits for any more is never answered. */
export function createLookups({ lookup, lookupsMax, waitMs }: LookupsOptions): Lookup {
  const half = Math.max(1, Math.floor(lookupsMax / 2))
  const third = Math.max(1, Math.floor(lookupsMax / 3))
  /** Those that wait and those that run, by name. */
  const asked = new Map<string, Asked>()
  const waiting = new Set<Asked>()
  const running = new Set<Asked>()
  /** Found without delay the last time. */
  const quick = new Map<string, true>()
  /** Not found, and slowly so: not looked up again before this. */
  const refusedUntil = new Map<string, number>()

  const isQuick = ({ hostname }: Asked) => quick.has(hostname)

  /** A zone takes a third at most, and names of which no good is known half: of those, one at a time for each zone. */
  function hasPlace(one: Asked): boolean {
    if (running.size >= lookupsMax) return false
    const ofZone = [...running].filter(({ zone }) => zone === one.zone)
    if (ofZone.length >= third) return false
    if (isQuick(one)) return true
    const strangers = [...running].filter((other) => !isQuick(other))
    return strangers.length < half && ofZone.every(isQuick)
  }

  function startSome(): void {
    const [known, strangers] = [[...waiting].filter(isQuick), [...waiting].filter((one) => !isQuick(one))]
    for (const one of [...known, ...strangers]) if (hasPlace(one)) start(one)
  }

  function start(one: Asked): void {
    clearTimeout(one.forget)
    waiting.delete(one)
    running.add(one)
    const startedAt = performance.now()
    const end = (found: boolean) => {
      running.delete(one)
      asked.delete(one.hostname)
      quick.delete(one.hostname)
      const slow = performance.now() - startedAt >= slowMs
      if (found && !slow) putNewest(quick, one.hostname, true, namesMax)
      if (!found && slow) putNewest(refusedUntil, one.hostname, performance.now() + refuseMs, namesMax)
      startSome()
    }
    lookup(one.hostname).then(
      (addresses) => {
        end(true)
        one.answer.resolve(addresses)
      },
      (error: unknown) => {
        end(false)
        one.answer.reject(error)
      },
    )
  }

  return (hostname) => {
    const before = asked.get(hostname)
    if (before !== undefined) {
      if (waiting.has(before)) before.forget.refresh()
      return before.answer.promise
    }
    if ((refusedUntil.get(hostname) ?? 0) > performance.now())
      return Promise.reject(new Error('the name was looked up a moment ago, slowly and in vain'))
    const drop = () => {
      waiting.delete(one)
      asked.delete(hostname)
    }
    const forget = setTimeout(drop, waitMs).unref()
    const one: Asked = { hostname, zone: zoneOf(hostname), answer: Promise.withResolvers(), forget }
    asked.set(hostname, one)
    waiting.add(one)
    startSome()
    return one.answer.promise
  }
}

/** Who has one name of it has as many as they like. Under suffixes such as co.uk strangers share a zone: they wait longer. */
function zoneOf(hostname: string): string {
  return hostname.split('.').slice(-2).join('.')
}
