/**
 * The members of a JSON object as pieces of its text, found without parsing their values: an answer of a hundred statuses
 * mostly repeats the last one, and comparing text costs a tenth of parsing it (docs/performance.md). Knows JSON (RFC 8259)
 * and nothing of what is in it.
 */

const quote = 0x22
const backslash = 0x5c
const [comma, colon] = [0x2c, 0x3a]
const [openBrace, closeBrace] = [0x7b, 0x7d]
const [openBracket, closeBracket] = [0x5b, 0x5d]

/**
 * @returns the text of each member's value by its name, the last of a name that stands twice; null when `text` is no
 *   object as far as can be told without parsing. The pieces may still not be JSON.
 */
export function membersOf(text: string): Map<string, string> | null {
  const members = new Map<string, string>()
  let at = afterSpace(text, 0)
  if (text.charCodeAt(at) !== openBrace) return null
  at = afterSpace(text, at + 1)
  if (text.charCodeAt(at) === closeBrace) return isEnd(text, at + 1) ? members : null
  for (;;) {
    const nameEnd = text.charCodeAt(at) === quote ? endOfString(text, at) : -1
    if (nameEnd === -1) return null
    const name = nameOf(text.slice(at, nameEnd))
    at = afterSpace(text, nameEnd)
    if (name === null || text.charCodeAt(at) !== colon) return null
    at = afterSpace(text, at + 1)
    const valueEnd = endOfValue(text, at)
    if (valueEnd === -1) return null
    members.set(name, text.slice(at, valueEnd))
    at = afterSpace(text, valueEnd)
    const next = text.charCodeAt(at)
    if (next === closeBrace) return isEnd(text, at + 1) ? members : null
    if (next !== comma) return null
    at = afterSpace(text, at + 1)
  }
}

function nameOf(quoted: string): string | null {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return JSON.parse(quoted) as string
  } catch {
    return null
  }
}

function isEnd(text: string, at: number): boolean {
  return afterSpace(text, at) === text.length
}

/** RFC 8259 §2: space, tab, line feed and carriage return. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b && code !== 0x0c)
}

function afterSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

/** @param from of the opening quote @returns behind the closing one; -1 when there is none */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return at + 1
  }
  return -1
}

/** @returns behind the value; -1 when it does not end or is none */
function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === quote) return endOfString(text, from)
  if (first === openBrace || first === openBracket) return endOfNested(text, from)
  let at = from
  while (at < text.length && !isSpace(text.charCodeAt(at)) && !',]}'.includes(text[at] ?? '')) at++
  return at === from ? -1 : at
}

function endOfNested(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = endOfString(text, at) - 1
      if (at < 0) return -1
    } else if (code === openBrace || code === openBracket) depth++
    else if ((code === closeBrace || code === closeBracket) && --depth === 0) return at + 1
  }
  return -1
}
