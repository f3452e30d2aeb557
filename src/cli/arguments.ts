/** Reads what stands after a flag; each reader says what it would have taken. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../core/duration.ts'
import { parseSigningSecret } from '../core/signature.ts'
import { taskTokenPattern } from '../core/task-token.ts'

/** As a filter another text would find nothing, as if there were nothing. */
export function taskToken(text: string): string {
  if (!taskTokenPattern.test(text)) {
    throw new InvalidArgumentError('A task token is 32 hex digits in lower case, as create_task gave it.')
  }
  return text
}

/** An id of one kind, for the same reason. @param prefix e.g. `ep_` */
export function idWith(prefix: string): (text: string) => string {
  return (text) => {
    if (!text.startsWith(prefix)) throw new InvalidArgumentError(`Give an id that begins with ${prefix}.`)
    return text
  }
}

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

/** Timers hold 31 bits of milliseconds; what is longer is over at once. */
const durationMsMax = 24 * 86_400_000

/** @returns milliseconds */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === null || ms > durationMsMax) {
    throw new InvalidArgumentError('Give a duration like 500ms, 5s or 2m, 24d at most.')
  }
  return ms
}

/** Commander calls it once per flag, with what it returned before. */
export function signingSecret(text: string, before: readonly string[] = []): string[] {
  if (parseSigningSecret(text) === null) {
    // Not commander's own error, which says what was given.
    throw new Error(
      '--secret is not a signing secret. Give whsec_ and base64 of 24 to 64 bytes, as pollhook signing-secret prints it.',
    )
  }
  return [...before, text]
}

export function httpUrl(text: string): string {
  const url = URL.parse(text)
  // A password must not be said again, also where the rest of the URL is wrong: so not commander's own error.
  if (url === null ? text.includes('@') : url.username !== '' || url.password !== '') {
    throw new Error('a URL with a user name or password in it cannot be used: give it without')
  }
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('Give a URL that begins with http:// or https://.')
  }
  return url.href
}

/** HTTP statuses that a receiver can answer with; 1xx are no answers. */
export function statuses(text: string): number[] {
  const codes = text.split(',').map((code) => (/^[2-5]\d\d$/.test(code.trim()) ? Number(code) : Number.NaN))
  if (codes.some(Number.isNaN)) {
    throw new InvalidArgumentError('Give statuses from 200 to 599, separated by commas, e.g. 500,204.')
  }
  return codes
}
