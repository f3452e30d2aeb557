/** A bar per job that stays in place on a terminal while lines go by above. Knows no event. */
import { MultiBar } from 'cli-progress'

export interface Bars {
  /** Ignores names that have no bar. */
  update(name: string, state: BarState): void
  /** A line above the bars. */
  line(text: string): void
  /** Leaves the bars as they are. */
  stop(): void
}

export interface BarState {
  percent: number | null
  /** May be coloured. */
  status: string
}

/**
 * @returns null where lines have to do: `stream` is no terminal, or one with too few rows. A bar above its first row
 *   cannot be drawn in place, so all of them would go by again ten times a second.
 */
export function createBars(
  stream: NodeJS.WriteStream,
  { names, status }: { names: readonly string[]; status: string },
): Bars | null {
  if (!stream.isTTY || names.length >= (stream.rows || 24)) return null
  const states = new Map<string, BarState>(names.map((name) => [name, { percent: null, status }]))
  const lineOf = (name: string): string => {
    const { percent, status } = states.get(name) ?? { percent: null, status: '' }
    const { nameWidth, barWidth } = widthsFor(stream.columns || 80, names)
    // Upstream may say any number.
    const share = Math.min(100, Math.max(0, percent ?? 0)) / 100
    const full = Math.round(share * barWidth)
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full)
    return `  ${name.slice(0, nameWidth).padEnd(nameWidth)} ${bar} ${percentText(percent)} ${status}`
  }
  const multi = new MultiBar({
    stream,
    format: (_options, _params, { name }: { name: string }) => lineOf(name),
    hideCursor: true,
    // A logged line takes the place of the first bar, so bars that did not change are drawn again too.
    forceRedraw: true,
    // The last drawing would be cut at the terminal's width, colours counted: an end that nobody can read, and a
    // colour that stays on. So the last lines are written here.
    clearOnComplete: true,
    // Its own handlers would stop the bars before those of the command do.
    gracefulExit: false,
  })
  for (const name of names) multi.create(100, 0, { name })
  return {
    update(name, state) {
      if (states.has(name)) states.set(name, state)
    },
    line: (text) => multi.log(`${text}\n`),
    stop() {
      // Lines that were logged since the last redraw would be lost otherwise.
      multi.update()
      multi.stop()
      for (const name of names) stream.write(`${lineOf(name)}\n`)
    },
  }
}

/** Two spaces before, one between each, the percent, and room for the longest usual status, downloading. */
const otherColumns = 22
const barColumns = { min: 8, max: 30 }
/** As many as the relay's logs show of a token. */
const nameColumnsMin = 6

/** The bar gives way first, then the name. What is still too long is the status, which the terminal cuts. */
function widthsFor(columns: number, names: readonly string[]): { nameWidth: number; barWidth: number } {
  const longest = Math.max(...names.map((name) => name.length))
  const room = columns - otherColumns
  const barWidth = Math.max(barColumns.min, Math.min(barColumns.max, room - longest))
  return { barWidth, nameWidth: Math.min(longest, Math.max(nameColumnsMin, room - barWidth)) }
}

/** Rounded down, so that 100 means the end; always six characters. */
export function percentText(percent: number | null): string {
  return percent === null ? '     –' : `${(Math.floor(percent * 10) / 10).toFixed(1)}%`.padStart(6)
}
