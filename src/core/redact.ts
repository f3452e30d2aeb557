/** What no line of the log may show whole: task tokens (CONTRACT §5.7), signing secrets, API keys. */

const patterns: readonly [RegExp, string][] = [
  // No \b: an underscore before or after a token is a word character. Longer hex (a digest) is not a token.
  [/(?<![a-f0-9])([a-f0-9]{6})[a-f0-9]{26}(?![a-f0-9])/gi, '$1…'],
  [/whs(ec|k)_[A-Za-z0-9+/=_%-]+/g, 'whs$1_…'],
  // As `pollhook keys new` and the dashboard make them; a key that somebody made otherwise is known by its field or by Bearer.
  [/ph([kt])_[A-Za-z0-9._-]+/g, 'ph$1_…'],
  [/\b(Bearer)\s+\S+/gi, '$1 …'],
]

/** What all secrets have in common, looked for once: nearly no text of a line has any, and three searches cost three times that. */
const suspicious = /[a-f0-9]{32}|whs[ek]|ph[kt]_|bearer/i

/** Before it is cut to a length, so that no half of a token remains. */
export function redact(value: string): string {
  if (!suspicious.test(value)) return value
  return patterns.reduce((clean, [pattern, shown]) => clean.replace(pattern, shown), value)
}
