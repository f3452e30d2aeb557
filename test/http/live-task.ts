/** What the tests of streams share: a task that they move, and a reader of what its stream says. */
import { expect } from 'vitest'
import type { AppDeps } from '../../src/http/deps.ts'
import { beatTurns, heartbeatMs } from '../../src/http/stream.ts'
import type { TransitionEvent } from '../../src/store/records.ts'
import { key, testApp, token, transition } from './support.ts'

/** A task that a test moves by hand, with everything a stream listens to. */
export function liveTask(seqs: number) {
  const events: TransitionEvent[] = Array.from({ length: seqs }, (_, n) => transition(n + 1))
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  const state = { watching: true, broken: false, reads: 0, timers: 0 }
  let beat = () => {}
  const deps: Partial<AppDeps> = {
    closing: closing.signal,
    transitions: {
      subscribe: (taskToken, listener) => {
        expect(taskToken).toBe(token)
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    every: (ms, fn) => {
      expect(ms).toBe(heartbeatMs / beatTurns)
      state.timers++
      beat = fn
      return () => {
        state.timers--
      }
    },
  }
  const queries = {
    streamState: () => ({ lastSeq: events.length, watching: state.watching }),
    transitionsAfter: (_token: string, seq: number, limit: number) => {
      state.reads++
      if (state.broken) throw new Error('disk I/O error')
      return events.filter((event) => event.seq > seq).slice(0, limit)
    },
  }
  const notify = () => {
    for (const listener of listeners) listener()
  }
  const { app } = testApp({ deps, queries })
  return {
    state,
    listeners,
    closing,
    notify,
    /** A share of the time between two heartbeats of a stream. */
    beat: () => beat(),
    /** All of it. */
    beatAll() {
      for (let turn = 0; turn < beatTurns; turn++) beat()
    },
    commit: (type?: string) => {
      events.push(transition(events.length + 1, type))
      notify()
    },
    open: async (query = '', headers: Record<string, string> = {}, method = 'GET') =>
      app.request(`/v1/tasks/${token}/events${query}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...headers },
      }),
  }
}

export function reader(response: Response) {
  const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const next = async () => (await stream.read()).value ?? null
  return {
    next,
    cancel: () => stream.cancel(),
    /** The comment that every stream begins with. */
    opened: async () => expect(await next()).toBe(': open\n\n'),
  }
}

export const ids = (chunk: string | null) =>
  [...(chunk ?? '').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
