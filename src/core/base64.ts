/** Base64 (RFC 4648 §4) between text and bytes, strict, without Node's `Buffer`. Knows no keys. */

/** @returns the bytes, or null unless `text` is exactly what `encodeBase64` would make of them */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  // Two texts must not stand for one key: RFC 4648 §3.5 lets a decoder refuse non-zero pad bits.
  return encodeBase64(bytes) === text ? bytes : null
}

export function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** RFC 4648 §5 without padding, as JSON Web Keys have it (RFC 7515 §2). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
