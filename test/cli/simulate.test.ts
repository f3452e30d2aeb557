import { expect, test } from 'vitest'
import { type SimulateFlags, simulateCommand, simulatorOptions } from '../../src/cli/simulate.ts'

test('every flag is an option of the simulator', async () => {
  let flags: SimulateFlags | null = null
  const argv = `--port 0 --masters 3 --job-duration 9s --speed 5 --fail-rate 0.9 --seed 4 --latency 7ms
    --timeout-rate 0.1 --reset-rate 0.2 --server-error-rate 0.3 --html-rate 0.4 --busy-rate 0.5
    --bad-token-rate 0.6 --null-rate 0.7 --missing-rate 0.8 --regression-rate 0.05 --dead-master 0.25 --hang`
  const command = simulateCommand().action((given: SimulateFlags) => {
    flags = given
  })
  await command.parseAsync(argv.split(/\s+/), { from: 'user' })
  expect(simulatorOptions(flags!)).toEqual({
    port: 0,
    masters: 3,
    durationMs: 9_000,
    speed: 5,
    failRate: 0.9,
    seed: 4,
    faults: [
      { kind: 'timeout', probability: 0.1 },
      { kind: 'reset', probability: 0.2 },
      { kind: 'server_error', probability: 0.3 },
      { kind: 'html', probability: 0.4 },
      { kind: 'busy', probability: 0.5 },
      { kind: 'bad_token', probability: 0.6 },
      { kind: 'null_entry', probability: 0.7 },
      { kind: 'missing_entry', probability: 0.8 },
      { kind: 'regression', probability: 0.05 },
      { kind: 'latency', ms: 7 },
      { kind: 'dead_master', at: 0.25, hangs: true },
    ],
  })
})
