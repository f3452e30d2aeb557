/** CPU of a server that is not ours to ask: from /proc, with every process it ever started. */
import { readFileSync } from 'node:fs'

/** Linux counts in ticks of 10 ms; each value is exact to one tick for each process. */
const microsPerTick = 10_000

/** @returns user and system time of `pid`, of its living descendants and of those that it has waited for */
export function cpuMicrosOf(pid: number): number {
  const fields = statFields(pid)
  if (fields === null) return 0
  // proc(5): utime, stime, cutime and cstime are fields 14 to 17; the state, field 3, comes first here.
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * microsPerTick
  return childrenOf(pid).reduce((sum, child) => sum + cpuMicrosOf(child), own)
}

/** Also true of a zombie: its parent may be too busy to wait for it. */
export function hasEnded(pid: number): boolean {
  const fields = statFields(pid)
  return fields === null || fields[0] === 'Z'
}

function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return children === '' ? [] : children.split(' ').map(Number)
  } catch {
    return []
  }
}
