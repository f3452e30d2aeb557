/** How much a JSON text comes to once it is parsed, told without parsing it. */

/**
 * Has a JSON text more than `max` values? What is in a value counts, too, and of an empty object or array the place for it:
 * parsed it takes some sixty bytes, for three characters with its comma.
 */
export function hasMoreValues(text: string, max: number): boolean {
  // With what is between it and the next, none has fewer than two characters.
  if (text.length <= 2 * max) return false
  let count = 1
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // Whatever is escaped ends no string.
    if (code === 0x5c) at++
    else if (code === 0x22) inString = !inString
    else if (!inString && (code === 0x2c || code === 0x5b || code === 0x7b) && ++count > max) return true
  }
  return false
}
