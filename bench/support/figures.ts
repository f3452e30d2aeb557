/** Medians and percentiles: machines are noisy, so nothing is ever judged by one round. */

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** @param part 0 to 1 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}
