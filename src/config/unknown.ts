/** Variables that look like ours but are not: most are slips of the pen, and silence would hide them. */

/** Read by the commands that call a running relay: in the same shell they are no slip. */
const ofTheCommandLine = ['POLLHOOK_URL', 'POLLHOOK_KEY']

/** @returns one sentence for each unknown `POLLHOOK_…` variable */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('POLLHOOK_'))
    .filter((name) => !known.includes(name) && !ofTheCommandLine.includes(name))
    .map((name) => {
      const nearest = known
        .map((other) => ({ other, far: distance(name, other) }))
        .sort((a, b) => a.far - b.far)[0]
      const hint = nearest !== undefined && nearest.far <= 4 ? `; did you mean ${nearest.other}?` : ''
      return `${name} is not a variable of Pollhook${hint}`
    })
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
