/** What the attempt log keeps of an answer (CONTRACT §4.7), whichever way it was sent for. */
import { responseBodyBytesMax } from './outcome.ts'

export interface BodyText {
  append(bytes: Uint8Array): void
  /** The first `responseBodyBytesMax` bytes of what came; null when nothing did. */
  read(): string | null
}

export function createBodyText(): BodyText {
  let decoder: TextDecoder | null = null
  let text = ''
  let left = responseBodyBytesMax
  return {
    append(bytes) {
      decoder ??= new TextDecoder()
      if (left > 0) text += decoder.decode(bytes.subarray(0, left), { stream: true })
      left -= bytes.byteLength
    },
    read() {
      // A streaming decoder keeps a character that was cut in two to itself.
      if (decoder !== null && left >= 0) text += decoder.decode()
      return text === '' ? null : text
    },
  }
}
