/** The few conversions between text, times and bytes that requests and answers share. */

/** Milliseconds to ISO 8601 UTC with milliseconds (CONTRACT §2). */
export function isoTime(at: number): string
export function isoTime(at: number | null): string | null
export function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/** Bytes of all texts together in UTF-8. */
export function utf8Bytes(texts: readonly string[]): number {
  const encoder = new TextEncoder()
  return texts.reduce((sum, text) => sum + encoder.encode(text).byteLength, 0)
}
