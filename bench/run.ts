/** `npm run bench -- [measures] [--rounds N] [--quick] [--json FILE]`: runs measures, judges their ratios, prints a table. */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { measureDeliveries } from './deliveries.ts'
import { measurePolling } from './polling.ts'
import { measureRegistrations } from './registrations.ts'
import { measureStart } from './start.ts'

interface Line {
  measure: string
  value: number
  target: number
  aim: number
  /** Whether a smaller value is the better one. */
  smaller: boolean
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, json: { type: 'string' } },
})
const quick = values.quick === true
const rounds = Number(values.rounds ?? (quick ? 1 : 5))

const measures: Record<string, () => Promise<{ figures: object; lines: Line[] }>> = {
  async deliveries() {
    const figures = await measureDeliveries(rounds)
    const measure = 'deliveries/s, of undici alone'
    return { figures, lines: [{ measure, value: figures.ratio, target: 0.55, aim: 0.7, smaller: false }] }
  },
  async registrations() {
    const figures = await measureRegistrations(rounds, quick ? 3_000 : 20_000)
    const measure = 'single registrations/s, of no database'
    return {
      figures,
      lines: [{ measure, value: figures.singleRatio, target: 0.45, aim: 0.6, smaller: false }],
    }
  },
  async polling() {
    const [small, middle, large] = quick ? [500, 10_000, 20_000] : [1_000, 10_000, 100_000]
    const figures = await measurePolling(rounds, [small, middle, large], quick ? 5_000 : 10_000)
    const { cpuMicrosPerPoll } = figures.sizes.find(({ size }) => size === 10_000)!
    const most = figures.sizes.at(-1)!
    const line = (measure: string, value: number, target: number, aim: number): Line => ({
      measure,
      value,
      target,
      aim,
      smaller: true,
    })
    return {
      figures,
      lines: [
        line(`${large} tasks at 5 s, share of a core`, most.cpuShare, 0.25, 0.12),
        line(`memory per task of ${large}, KB`, most.bytesPerTask / 1024, 2, 1),
        line(
          'CPU of a poll, of one fetch a task',
          cpuMicrosPerPoll / figures.scriptCpuMicrosPerPoll,
          1 / 20,
          1 / 40,
        ),
      ],
    }
  },
  async start() {
    const tasks = quick ? 5_000 : 100_000
    const figures = await measureStart(rounds, tasks)
    const measure = `ready with ${tasks} tasks, ms`
    return { figures, lines: [{ measure, value: figures.readyMs, target: 3000, aim: 1000, smaller: true }] }
  },
}

const names = positionals.length > 0 ? positionals : Object.keys(measures)
const unknown = names.filter((name) => !Object.hasOwn(measures, name))
if (unknown.length > 0) {
  console.error(`no such measure: ${unknown.join(', ')}; there are ${Object.keys(measures).join(', ')}`)
  process.exit(1)
}
const results: Record<string, object> = {}
const lines: Line[] = []
for (const name of names) {
  const result = await measures[name]?.()
  if (result === undefined) continue
  results[name] = result
  lines.push(...result.lines)
}
const reaches = (line: Line, bound: number) => (line.smaller ? line.value <= bound : line.value >= bound)
console.table(
  lines.map((line) => ({
    measure: line.measure,
    value: Number(line.value.toFixed(2)),
    target: line.target,
    aim: line.aim,
    verdict: reaches(line, line.aim) ? 'aim' : reaches(line, line.target) ? 'pass' : 'miss',
  })),
)
if (quick) console.log('Quick: few rounds and small loads, so no verdict here counts.')
const report = { rounds, quick, node: process.version, results }
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
process.exit(0)
