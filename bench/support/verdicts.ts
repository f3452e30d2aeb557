/** What a measure has to reach, and whether it does. */

export interface Line {
  measure: string
  value: number
  /** Met when the value is at least this, or at most with `smaller`; null where nothing was promised. */
  target: number | null
  aim: number | null
  /** Whether a smaller value is the better one. */
  smaller: boolean
}

export type Bounds = Partial<Pick<Line, 'target' | 'aim'>>

/** @param bounds none where nothing was promised */
export function atLeast(measure: string, value: number, bounds: Bounds = {}): Line {
  return { measure, value, target: null, aim: null, ...bounds, smaller: false }
}

export function atMost(measure: string, value: number, bounds: Bounds = {}): Line {
  return { ...atLeast(measure, value, bounds), smaller: true }
}

export function verdictOf({ value, target, aim, smaller }: Line): 'aim' | 'pass' | 'miss' | '' {
  const reaches = (bound: number) => (smaller ? value <= bound : value >= bound)
  if (aim !== null && reaches(aim)) return 'aim'
  if (target === null) return ''
  return reaches(target) ? 'pass' : 'miss'
}

export function printTable(lines: readonly Line[]): void {
  const rounded = (value: number | null) => (value === null ? '' : Number(value.toPrecision(3)))
  console.table(
    lines.map((line) => ({
      measure: line.measure,
      value: rounded(line.value),
      target: rounded(line.target),
      aim: rounded(line.aim),
      verdict: verdictOf(line),
    })),
  )
}
