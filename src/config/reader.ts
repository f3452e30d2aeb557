/** Reads single values and collects what is wrong with them. Knows no variable by name. */
import { formatDuration, parseDuration } from '../core/duration.ts'

export interface DurationRange {
  minMs: number
  /** @default ten years */
  maxMs?: number
}

export interface Reader {
  /** What the variable is set to, trimmed; undefined when it is unset or empty. */
  raw(name: string): string | undefined
  text(name: string, fallback: string, options?: { emptyAllowed?: boolean }): string
  integer(name: string, fallback: number, range: { min: number; max: number }): number
  duration(name: string, fallback: string, range: DurationRange): number
  durations(name: string, fallback: string): number[]
  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T
  /** `problem` follows the name of the variable in the sentence. */
  fault(name: string, problem: string, example: string): void
  faults(): string[]
  /** False once a fault of the variable was told: what stands for its value is then not what was meant. */
  isSound(name: string): boolean
}

/** A value is quoted in a fault up to this length. */
const quotedCharsMax = 60
const problemCharsMax = 200
const scheduleEntriesMax = 20
const durationMsMax = 3650 * 86_400_000

export function createReader(env: Readonly<Record<string, string | undefined>>): Reader {
  const faults: string[] = []
  const faulty = new Set<string>()

  function fault(name: string, problem: string, example: string): void {
    // A quoted value may be long or hold a line feed; a fault is one line.
    const short = problem.length > problemCharsMax ? `${problem.slice(0, problemCharsMax)}…` : problem
    const line = `${name} ${short}; for example ${name}=${example}`.replace(/\s+/g, ' ')
    // Two empty entries of one list are one thing to mend.
    if (!faults.includes(line)) faults.push(line)
    faulty.add(name)
  }

  /** A var of a Worker may be a number or a boolean, which TOML has without quotes, or null in JSON. */
  function given(name: string): string | undefined {
    return env[name] == null ? undefined : String(env[name]).trim()
  }

  function raw(name: string): string | undefined {
    return given(name) || undefined
  }

  function oneDuration(name: string, text: string, range: DurationRange, example: string): number | null {
    const { minMs, maxMs = durationMsMax } = range
    const ms = parseDuration(text)
    if (ms === null) {
      fault(name, `is ${quote(text)}, not a duration such as 500ms, 5s, 5m, 2h or 30d`, example)
      return null
    }
    if (ms >= minMs && ms <= maxMs) return ms
    const allowed = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`
    fault(name, `is ${quote(text)}, not a duration ${allowed}`, example)
    return null
  }

  return {
    raw,
    fault,
    faults: () => faults,
    isSound: (name) => !faulty.has(name),

    text(name, fallback, options) {
      return (options?.emptyAllowed ? given(name) : raw(name)) ?? fallback
    },

    integer(name, fallback, { min, max }) {
      const text = raw(name)
      if (text === undefined) return fallback
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      if (value >= min && value <= max) return value
      fault(name, `is ${quote(text)}, not a whole number from ${min} to ${max}`, String(fallback))
      return fallback
    },

    duration(name, fallback, range) {
      return oneDuration(name, raw(name) ?? fallback, range, fallback) ?? parseDuration(fallback) ?? 0
    },

    durations(name, fallback) {
      const entries = (raw(name) ?? fallback).split(',').map((entry) => entry.trim())
      if (entries.length > scheduleEntriesMax) {
        fault(name, `has ${entries.length} waits, more than ${scheduleEntriesMax}`, fallback)
      }
      return entries.flatMap((entry) => oneDuration(name, entry, { minMs: 1 }, fallback) ?? [])
    },

    choice(name, fallback, choices) {
      const text = raw(name)?.toLowerCase()
      if (text === undefined) return fallback
      const found = choices.find((choice) => choice === text)
      if (found !== undefined) return found
      fault(name, `is ${quote(text)}, not one of ${choices.join(', ')}`, fallback)
      return fallback
    },
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > quotedCharsMax ? `${text.slice(0, quotedCharsMax)}…` : text)
}
