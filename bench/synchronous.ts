/** What it costs that an acknowledged write survives a power cut: the engine as it is beside itself with SQLite's NORMAL. */
import type { PollhookFigures, PollhookRound } from './sides/pollhook.ts'
import { mediansBeside } from './support/beside.ts'
import { startSink } from './support/receiver.ts'
import { startSide } from './support/rounds.ts'

const subscriptions = 1_000
const warmUpEach = 2

/** @returns the medians of both and the ratio of deliveries a second, from due to settled */
export async function measureSynchronous(rounds: number, each = 20) {
  const sink = await startSink()
  const engine = startSide<PollhookRound, PollhookFigures>('sides/pollhook.ts')
  const side = (synchronous: 'full' | 'normal') => (round: number) =>
    engine.round({
      origin: sink.origin,
      subscriptions,
      each: round === 0 ? warmUpEach : each,
      synchronous,
    })
  const sides = { full: side('full'), normal: side('normal') }
  const { full, normal } = await mediansBeside(rounds, sides).finally(() => {
    sink.stop()
    return engine.stop()
  })
  return { full, normal, ratio: (full?.perSecond ?? Number.NaN) / (normal?.perSecond ?? Number.NaN) }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 5, each = 20] = process.argv.slice(2).map(Number)
  console.log(await measureSynchronous(rounds, each))
  process.exit(0)
}
