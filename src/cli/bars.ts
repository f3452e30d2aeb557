/** A bar per job that stays in place on a terminal while lines go by above. Knows no event. */
import { MultiBar } from 'cli-progress'

export interface Bars {
  /** Ignores names that have no bar. */
  update(name: string, state: { percent: number | null; status: string }): void
  /** A line above the bars. */
  line(text: string): void
  /** Leaves the bars as they are. */
  stop(): void
}

export function createBars(
  stream: NodeJS.WriteStream,
  { names, status }: { names: readonly string[]; status: string },
): Bars {
  const width = Math.max(...names.map((name) => name.length))
  const multi = new MultiBar({
    stream,
    format: '  {name} {bar} {percent} {status}',
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // A logged line takes the place of the first bar, so bars that did not change are drawn again too.
    forceRedraw: true,
  })
  const bar = (name: string) =>
    multi.create(100, 0, { name: name.padEnd(width), percent: percentText(null), status })
  const byName = new Map(names.map((name) => [name, bar(name)]))
  return {
    update: (name, state) =>
      byName
        .get(name)
        ?.update(state.percent ?? 0, { percent: percentText(state.percent), status: state.status }),
    line: (text) => multi.log(`${text}\n`),
    stop() {
      // Lines that were logged since the last redraw would be lost otherwise.
      multi.update()
      multi.stop()
    },
  }
}

/** Rounded down, so that 100 means the end; always six characters. */
export function percentText(percent: number | null): string {
  return percent === null ? '     –' : `${(Math.floor(percent * 10) / 10).toFixed(1)}%`.padStart(6)
}
