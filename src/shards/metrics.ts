/** Prometheus texts of several shards as one: a metric's HELP and TYPE stand once, before all its samples. Pure. */

export function mergeMetrics(texts: readonly string[]): string {
  const metrics = new Map<string, { head: string[]; samples: string[] }>()
  for (const text of texts) {
    const seen = new Set<string>()
    let current = { head: [] as string[], samples: [] as string[] }
    for (const line of text.split('\n')) {
      if (line === '') continue
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1]
      if (name === undefined) {
        current.samples.push(line)
        continue
      }
      const first = !metrics.has(name)
      if (first) seen.add(name)
      current = metrics.get(name) ?? { head: [], samples: [] }
      metrics.set(name, current)
      if (seen.has(name)) current.head.push(line)
    }
  }
  const lines = [...metrics.values()].flatMap(({ head, samples }) => [...head, ...samples])
  return `${lines.join('\n')}\n`
}
