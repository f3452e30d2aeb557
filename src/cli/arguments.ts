/** Reads what stands after a flag; each reader says what it would have taken. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/duration.ts'

/** Commander calls a reader with the value and the default. */
export type ArgumentReader = (text: string) => number

export function wholeNumber(min: number, max: number): ArgumentReader {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** A probability or a part of a whole. */
export function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Give a number from 0 to 1, e.g. 0.05.')
  return value
}

export function factor(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value > 0 && value <= 10_000)) {
    throw new InvalidArgumentError('Give a number above 0 and up to 10000, e.g. 10 for ten times as fast.')
  }
  return value
}

/** @returns milliseconds */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('Give a duration like 500ms, 5s or 2m.')
  return ms
}
