/** `npm run sim -- --seed N` replays one simulation; `--runs N` goes through as many seeds. docs/simulation.md */
import { parseArgs } from 'node:util'
import { mutations } from './mutations.ts'
import { type Simulation, simulate } from './simulate.ts'

const usage = `npm run sim -- [options]
  --seed N         replays one simulation (1)
  --trace          with all that happened in it
  --runs N         goes through as many seeds, to the first that fails
  --from N         the first of them (1)
  --keepGoing      also past those that fail
  --slow           names those that take more than a second
  --mutation NAME  with a deliberate bug of test/sim/mutations*.ts`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    seed: { type: 'string' },
    runs: { type: 'string' },
    from: { type: 'string', default: '1' },
    mutation: { type: 'string' },
    trace: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
    keepGoing: { type: 'boolean', default: false },
  },
})
const tailLines = 40
const mutation = mutations.find(({ name }) => name === values.mutation)
const print = (line: string) => process.stdout.write(`${line}\n`)

function report(result: Simulation, lines: readonly string[]): void {
  print(`seed ${result.seed}: ${result.faults.join(' ')}`)
  for (const line of lines) print(line)
  for (const violation of result.violations) print(`  broken: ${violation}`)
  const { polls, sends, crashes } = result.history
  print(
    `  ${polls.length} calls, ${sends.length} requests, ${crashes.length} crashes, trace ${result.hash.slice(0, 16)}`,
  )
}

async function replay(seed: number): Promise<number> {
  const result = await simulate(seed, mutation)
  report(
    result,
    values.trace ? result.trace : result.violations.length > 0 ? result.trace.slice(-tailLines) : [],
  )
  return result.violations.length === 0 ? 0 : 1
}

async function runMany(from: number, runs: number): Promise<number> {
  let slowest = 0
  const total = { polls: 0, sends: 0, crashes: 0, failed: 0 }
  for (let seed = from; seed < from + runs; seed++) {
    const started = performance.now()
    const result = await simulate(seed, mutation)
    slowest = Math.max(slowest, performance.now() - started)
    if (values.slow && performance.now() - started > 1000)
      print(`slow ${seed} ${performance.now() - started}`)
    total.polls += result.history.polls.length
    total.sends += result.history.sends.length
    total.crashes += result.history.crashes.length
    if ((seed - from + 1) % 100 === 0) print(`${seed - from + 1} seeds, ${JSON.stringify(total)}`)
    if (result.violations.length === 0) continue
    total.failed++
    if (values.keepGoing) {
      print(`seed ${seed}: ${result.violations[0]}`)
      continue
    }
    report(result, result.trace.slice(-tailLines))
    return 1
  }
  print(`${runs} seeds, ${JSON.stringify(total)}`)
  return total.failed === 0 ? 0 : 1
}

async function run(): Promise<number> {
  if (values.mutation !== undefined && mutation === undefined) {
    print(
      `there is no mutation "${values.mutation}"; there are: ${mutations.map(({ name }) => name).join(', ')}`,
    )
    return 1
  }
  const { seed = '1', from, runs = '0' } = values
  const bad = Object.entries({ seed, from, runs }).find(([, text]) => !/^\d{1,15}$/.test(text))
  if (bad !== undefined) {
    print(`--${bad[0]} must be a whole number, and is "${bad[1]}"; for example --${bad[0]} 42`)
    return 1
  }
  return values.runs === undefined ? replay(Number(seed)) : runMany(Number(from), Number(runs))
}

if (values.help) print(usage)
else process.exitCode = await run()
