/** Simulators for tests: a clock that stands still until told, and everything closed at the end. */
import { createSimulator, type SimulatorOptions } from '../../src/simulator/simulator.ts'

export async function simulator(options: SimulatorOptions = {}) {
  const clock = { ms: 1_790_000_000_000 }
  const sim = await createSimulator({ seed: 1, durationMs: 100_000, now: () => clock.ms, ...options })
  return {
    sim,
    advance(ms: number) {
      clock.ms += ms
    },
  }
}

export interface Answer {
  http: number
  text: string
  error?: number
  message?: string
  statuses?: Record<string, Record<string, unknown> | null>
}

/** One status call, as Qencode's documentation says to make it. */
export async function ask(origin: string, ...tokens: string[]): Promise<Answer> {
  const pairs = tokens.map((token): [string, string] => ['task_tokens[]', token])
  return post(`${origin}/v1/status`, new URLSearchParams(pairs))
}

export async function post(url: string, body: URLSearchParams): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body })
  const text = await response.text()
  const json = text.startsWith('{') ? (JSON.parse(text) as object) : {}
  return { http: response.status, text, ...json }
}
