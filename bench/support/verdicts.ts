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

type Bounds = readonly [target: number, aim: number] | null

export function atLeast(measure: string, value: number, bounds: Bounds): Line {
  return { measure, value, target: bounds?.[0] ?? null, aim: bounds?.[1] ?? null, smaller: false }
}

export function atMost(measure: string, value: number, bounds: Bounds): Line {
  return { ...atLeast(measure, value, bounds), smaller: true }
}

export function verdictOf(line: Line): 'aim' | 'pass' | 'miss' | '' {
  const reaches = (bound: number) => (line.smaller ? line.value <= bound : line.value >= bound)
  if (line.target === null || line.aim === null) return ''
  if (reaches(line.aim)) return 'aim'
  return reaches(line.target) ? 'pass' : 'miss'
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
