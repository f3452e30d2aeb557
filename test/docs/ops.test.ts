/** docs/ops names only metrics that a relay exports, shows them all, and Prometheus takes its rules. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/metrics.ts'
import { openWorld } from '../engine/world.ts'

const folder = join(import.meta.dirname, '../../docs/ops')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool) process.stdout.write('skipped: promtool is not here (Debian package prometheus)\n')

interface Panel {
  title: string
  targets: { expr: string }[]
}
const dashboard = JSON.parse(read('grafana.json')) as { panels: Panel[] }
const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n')

/** `_bucket`, `_sum` and `_count` are parts of a histogram. */
function namesIn(text: string): string[] {
  const found = text.match(/pollhook_[a-z_]+/g) ?? []
  return [...new Set(found.map((name) => name.replace(/_(bucket|sum|count)$/, '')))].sort()
}

let exported: string[]
/** What a relay exports that has done nothing yet. */
let fresh: Series[]

interface Series {
  name: string
  /** Sorted, as text. */
  labels: string
  value: string
}

/** Of a Prometheus text; the order of labels means nothing. */
function seriesIn(text: string): Series[] {
  const lines = text.matchAll(/^(pollhook_[a-z_]+)(?:\{(.*?)\})? (\S+)$/gm)
  return [...lines].map(([, name = '', labels = '', value = '']) => ({ name, labels: sorted(labels), value }))
}

function sorted(labels: string): string {
  return labels
    .split(/\s*,\s*/)
    .filter((label) => !/^(job|instance)=/.test(label))
    .sort()
    .join()
}

beforeAll(async () => {
  const world = openWorld()
  const metrics = createMetrics(() => 0)
  metrics.watch(world.relay(), () => 0)
  const text = await metrics.text()
  fresh = seriesIn(text)
  exported = [...text.matchAll(/^# TYPE (pollhook_[a-z_]+) /gm)].map(([, name = '']) => name).sort()
})

describe('docs/ops', () => {
  it('the dashboard shows every metric, and no other', () => {
    expect(exported.length).toBeGreaterThan(10)
    expect(namesIn(shown)).toEqual(exported)
  })

  it('the alert rules name only metrics that there are', () => {
    const rules = read('alerts.yml').split('\n')
    const used = namesIn(rules.filter((line) => !/description|summary|job=/.test(line)).join('\n'))
    expect(used.filter((name) => !exported.includes(name))).toEqual([])
  })

  it('the tests of the alert rules begin as a relay does: each series is there, a counter at 0', () => {
    const inputs = [
      ...read('alerts_test.yml').matchAll(/series: '(\w+)\{(.*?)\}',\s+values: "(\d+)/g),
    ].filter(([, name]) => name !== 'up')
    expect(inputs.length).toBeGreaterThan(8)
    for (const [, name = '', labels = '', first] of inputs) {
      // Only a relay on Workers has shards.
      const own = sorted(labels.replace(/, shard="[^"]*"/, ''))
      const found = fresh.find((series) => series.name === name && series.labels === own)
      expect([name, labels, found?.value]).toEqual([name, labels, expect.any(String)])
      if (name.endsWith('_total'))
        expect([name, labels, first, found?.value]).toEqual([name, labels, '0', '0'])
    }
  })

  it('panels have titles of their own', () => {
    const titles = dashboard.panels.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  it.skipIf(!hasPromtool)('promtool takes the rules, and they fire when they should', () => {
    const run = (...args: string[]) => execFileSync('promtool', args, { cwd: folder, encoding: 'utf8' })
    expect(run('check', 'rules', 'alerts.yml')).toContain('SUCCESS')
    expect(run('test', 'rules', 'alerts_test.yml')).toContain('SUCCESS')
  })
})
