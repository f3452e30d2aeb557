/** The few conversions between text, times and bytes that requests and answers share. */

/** Milliseconds to ISO 8601 UTC with milliseconds (CONTRACT §2). */
export function isoTime(at: number): string
export function isoTime(at: number | null): string | null
export function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

/** Whether all texts together have at most `bytesMax` bytes in UTF-8. */
export function fitsUtf8(texts: readonly string[], bytesMax: number): boolean {
  // No UTF-16 code unit needs more than three bytes, so short texts need not be encoded.
  if (sum(texts.map(({ length }) => length)) * 3 <= bytesMax) return true
  const encoder = new TextEncoder()
  return sum(texts.map((text) => encoder.encode(text).byteLength)) <= bytesMax
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
