/**
 * A batch taken apart without being written anew: each shard gets its items as the caller wrote them, so that it
 * says of them what one relay would. `JSON.stringify` would make null of 1e999, and fail for what is nested
 * thousands of levels deep. Pure.
 */

/**
 * @param json a JSON object that has one field, an array with items; given several times, the last counts
 * @returns the text of each item
 */
export function itemTexts(json: string): string[] {
  let items: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') {
      at = endOfString(json, at)
    } else if (character === '[' || character === '{') {
      depth += 1
      if (depth !== 2) continue
      items = []
      start = at + 1
    } else if (character === ',' || character === ']' || character === '}') {
      if (depth === 2) {
        items.push(json.slice(start, at))
        start = at + 1
      }
      if (character !== ',') depth -= 1
    }
  }
  return items
}

/** Where the string ends that begins at `from`: its closing quote. */
function endOfString(json: string, from: number): number {
  let at = from + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
