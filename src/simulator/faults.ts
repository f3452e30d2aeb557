/**
 * What can go wrong with a status call, and which of it happens this time. Faults are set for one token or
 * for every call ('*'); chance comes from a seeded generator. Does not know HTTP or jobs.
 */
import type { Random } from './random.ts'

export type Fault = FaultKind & FaultLimits

export type FaultKind =
  /** The answer comes after `ms`; adds to whatever else happens. */
  | { kind: 'latency'; ms: number }
  /** The call is never answered. */
  | { kind: 'timeout' }
  /** The connection is reset. */
  | { kind: 'reset' }
  /** `status` is 503 unless told. */
  | { kind: 'server_error'; status?: number }
  /** HTTP 200 with an HTML page, as real callers have seen. */
  | { kind: 'html' }
  /** Error 8 for the whole call. */
  | { kind: 'busy'; retryAfterSeconds?: number }
  /** Error 13 for the whole call, as if its token were malformed. */
  | { kind: 'bad_token' }
  /** `null` in place of the token's status. */
  | { kind: 'null_entry' }
  /** The token's entry is left out. */
  | { kind: 'missing_entry' }
  /** The token's state as it was a quarter of its course ago; never after the job has ended. */
  | { kind: 'regression' }
  /**
   * When the job has run for the share `at` of its course (0 to 1, 0.5 unless told), its master goes down for
   * all its jobs: connections are reset or, with `hangs`, never answered. The API host is not touched.
   */
  | { kind: 'dead_master'; at?: number; hangs?: boolean }

export interface FaultLimits {
  /** Of each call, or of each token in it where the fault is about one entry; 1 unless told. */
  probability?: number
  /** The fault ends after it happened so often. */
  times?: number
  /** Only at this kind of host. */
  host?: 'api' | 'master'
}

/** Fault kinds that touch single entries of an answer. */
const entryKinds = new Set<string>(['null_entry', 'missing_entry', 'regression'])

export type CallFault = Extract<
  FaultKind,
  { kind: 'timeout' | 'reset' | 'server_error' | 'html' | 'busy' | 'bad_token' }
>
export type EntryFault = 'null_entry' | 'missing_entry' | 'regression'

/** What happens to one call. */
export interface Mishap {
  latencyMs: number
  /** The first that struck, if any. */
  call: CallFault | null
  entries: ReadonlyMap<string, EntryFault>
}

export interface FaultBook {
  /** Replaces what was set for `target`; null or an empty list clears it. */
  set(target: string, faults: Fault | readonly Fault[] | null): void
  /** Rolls the dice for one call. */
  strike(call: { host: 'api' | 'master'; tokens: readonly string[] }): Mishap
  /** The `dead_master` fault of a token or of '*', token first. */
  deadMaster(token: string): Extract<Fault, { kind: 'dead_master' }> | null
  /** Whether `deadMaster` can answer anything but null. */
  anyDeadMaster(): boolean
}

interface SetFault {
  fault: Fault
  /** How often it may still happen. */
  left: number
}

export function createFaultBook(random: Random): FaultBook {
  const book = new Map<string, SetFault[]>()

  /** The faults of `target` whose chance has come; which of them happen is for the call to say. */
  function roll(target: string, host: 'api' | 'master', entry: boolean): SetFault[] {
    return (book.get(target) ?? []).filter(({ fault, left }) => {
      if (fault.kind === 'dead_master' || entryKinds.has(fault.kind) !== entry) return false
      if (left <= 0 || (fault.host !== undefined && fault.host !== host)) return false
      return fault.probability === undefined || random() < fault.probability
    })
  }

  return {
    set(target, faults) {
      const list = faults === null ? [] : 'kind' in faults ? [faults] : faults
      if (list.length === 0) book.delete(target)
      else
        book.set(
          target,
          list.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })),
        )
    },
    strike({ host, tokens }) {
      const mishap: Mishap & { entries: Map<string, EntryFault> } = {
        latencyMs: 0,
        call: null,
        entries: new Map(),
      }
      for (const target of ['*', ...tokens]) {
        for (const set of roll(target, host, false)) {
          if (set.fault.kind === 'latency') mishap.latencyMs += set.fault.ms
          else if (mishap.call === null) mishap.call = set.fault as CallFault
          else continue
          set.left -= 1
        }
      }
      for (const token of tokens) {
        const [set] = [...roll(token, host, true), ...roll('*', host, true)]
        // A call that fails as a whole has no entries.
        if (set === undefined || mishap.call !== null) continue
        mishap.entries.set(token, set.fault.kind as EntryFault)
        set.left -= 1
      }
      return mishap
    },
    deadMaster(token) {
      for (const target of [token, '*']) {
        for (const { fault } of book.get(target) ?? []) if (fault.kind === 'dead_master') return fault
      }
      return null
    },
    anyDeadMaster: () =>
      [...book.values()].some((set) => set.some(({ fault }) => fault.kind === 'dead_master')),
  }
}
