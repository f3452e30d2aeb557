/** Variables that look like ours but are not: most are slips of the pen, and silence would hide them. */

/** Read by the commands that call a running relay, or by receivers as the guides have them: in the same shell they are no slip. */
const ofOthers = ['POLLHOOK_URL', 'POLLHOOK_KEY', 'POLLHOOK_SIGNING_SECRET']

const prefix = 'POLLHOOK_'
/** More letters than these, or than a third of them all, are no slip. */
const slipMax = 4

/** What Kubernetes tells every container of a Service that is called `pollhook`. */
function isOfKubernetes(name: string, value = ''): boolean {
  return (
    /^POLLHOOK_(SERVICE_(HOST|PORT)|PORT_\d)/.test(name) ||
    (name === 'POLLHOOK_PORT' && String(value).includes('://'))
  )
}

/** @returns one sentence for each unknown `POLLHOOK_…` variable; of a slip, for which one it was meant */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): { text: string; isSlip: boolean }[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix))
    .filter((name) => !known.includes(name) && !ofOthers.includes(name) && !isOfKubernetes(name, env[name]))
    .map((name) => {
      const nearest = known
        .map((other) => ({ other, far: distance(name, prefixed(other)) }))
        .sort((a, b) => a.far - b.far)[0]
      const farMax = Math.min(slipMax, Math.ceil((name.length - prefix.length) / 3))
      const isSlip = nearest !== undefined && nearest.far <= farMax
      const hint = isSlip ? `; did you mean ${nearest.other}?` : ''
      return { text: `${name} is not a variable of Pollhook${hint}`, isSlip }
    })
}

/** `HOST`, `PORT` and `LOG_LEVEL` have no prefix, and are given one by mistake. */
function prefixed(name: string): string {
  return name.startsWith(prefix) ? name : prefix + name
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
