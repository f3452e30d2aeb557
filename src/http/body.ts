/**
 * Request bodies: the media type, the size limit and UTF-8 are checked here, before anything parses. Knows
 * nothing of what a body should contain.
 */
import type { Context, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { HttpEnv } from './deps.ts'
import { strictObject } from './objects.ts'
import { problem, throwable } from './problem.ts'
import { invalid } from './validate.ts'

export const bodyBytesMax = 64 * 1024
export const batchBytesMax = 1024 * 1024
/** Of a body that is read in one piece. Until it is whole it is kept as it came, and `readFirst` tells what that may cost. */
const pieceBytesMax = 1024

const json = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i
/** A `content-encoding` that is none (RFC 9110 §12.5.3). */
const identity = /^(identity)?$/i

export interface JsonBodyOptions {
  /** @default bodyBytesMax */
  bytesMax?: number
  /** No body at all counts as `{}`. */
  optional?: boolean
}

/**
 * Reads the body and puts it back, checked, for the validator to parse.
 * @throws unsupported_media_type, body_too_large, invalid_json, invalid_request as problems
 */
export function jsonBody(options: JsonBodyOptions = {}): MiddlewareHandler<HttpEnv> {
  const { bytesMax = bodyBytesMax, optional = false } = options
  return async (c, next) => {
    const absent = optional && c.req.header('content-type') === undefined
    if (!absent) requireJson(c)
    const bytes = await readBody(c, bytesMax)
    if (bytes === null) throw tooLarge(bytesMax)
    if (absent && bytes.byteLength > 0) {
      throw notJson()
    }
    const text = optional && bytes.byteLength === 0 ? '{}' : utf8(bytes)
    // What was read can be read again: the validator parses it.
    c.req.bodyCache = { text: Promise.resolve(text) as unknown as string }
    await next()
  }
}

const nothing = strictObject({})

/**
 * For calls without a body: none, or `{}`. A field would be a wish that is not granted, so it is refused.
 * @throws unsupported_media_type, body_too_large, invalid_json, invalid_request as problems
 */
export const noBody: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const bytes = await readBody(c, bodyBytesMax)
  if (bytes === null) throw tooLarge(bodyBytesMax)
  if (bytes.byteLength > 0) {
    requireJson(c)
    const result = v.safeParse(nothing, parseJson(utf8(bytes)))
    if (!result.success) throw throwable(invalid(result.issues))
  }
  await next()
}

/** What was read of a request; Hono's contexts have it, whatever travels with them. */
type Read = Pick<Context, 'req'>

/**
 * The whole body, or null as soon as it is known to be larger; a chunked one announces no length.
 * @throws invalid_request as a problem when the caller hung up before its end
 */
export async function readBody(c: Read, bytesMax: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const announced = c.req.header('content-length')
  if (Number(announced ?? 0) > bytesMax) return null
  try {
    // A stream around a body costs as much as the rest of the request.
    const { raw } = c.req
    const isShort = announced !== undefined && Number(announced) <= pieceBytesMax
    const bytes = isShort ? new Uint8Array(await raw.arrayBuffer()) : await readFirst(raw.body, bytesMax + 1)
    return bytes.byteLength > bytesMax ? null : bytes
  } catch {
    throw brokenOff()
  }
}

/** Nobody waits for this answer; but it is no failure of Pollhook's own, which would be logged as an error. */
export function brokenOff(): Error {
  return problem('invalid_request', 'The body broke off before its end.')
}

/**
 * The first `bytesMax` bytes of `body`, or all that it has. In one piece that grows with what comes: kept by itself, a chunk of
 * one byte takes two hundred, and a caller may send nothing else, slowly.
 */
export async function readFirst(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(0)
  let size = 0
  const reader = body?.getReader()
  while (reader !== undefined && size < bytesMax) {
    const { done, value } = await reader.read()
    if (done) break
    const part = value.subarray(0, bytesMax - size)
    const sizeNow = size + part.byteLength
    if (sizeNow > bytes.byteLength) bytes = new Uint8Array(bytes.buffer.transfer(2 * sizeNow))
    bytes.set(part, size)
    size = sizeNow
  }
  if (size === bytesMax) await reader?.cancel()
  return bytes.subarray(0, size)
}

/** The fields of a form that are texts, of several with one name the first; null for what is no form. */
export async function formOf(
  c: Read,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<ReadonlyMap<string, string> | null> {
  const headers = { 'content-type': c.req.header('content-type') ?? '' }
  const form = await new Response(bytes, { headers }).formData().catch(() => null)
  if (form === null) return null
  const texts = [...form].filter((field): field is [string, string] => typeof field[1] === 'string')
  return new Map(texts.reverse())
}

/** @throws unsupported_media_type as a problem */
function requireJson(c: Read): void {
  if (!json.test(c.req.header('content-type') ?? '')) throw notJson()
  if (identity.test((c.req.header('content-encoding') ?? '').trim())) return
  // RFC 9110 §15.5.16: the answer tells which content codings would have been accepted.
  throw problem('unsupported_media_type', 'Send the body as it is, without a content-encoding.', {
    headers: { 'accept-encoding': 'identity' },
  })
}

function notJson(): Error {
  return problem('unsupported_media_type', 'Send the body with "content-type: application/json".')
}

function tooLarge(bytesMax: number): Error {
  return problem('body_too_large', `The body may have at most ${bytesMax} bytes.`)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw problem('invalid_json', 'The body is not valid UTF-8.')
  }
}

/** @throws invalid_json as a problem */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    throw problem('invalid_json', `The body is not valid JSON: ${reason.slice(0, 80)}`)
  }
}
