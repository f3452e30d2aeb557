/** How finely the poll schedule is kept, how often it is looked at, and how long a poll waits for company. */

export interface Pace {
  intervalMs: number
  batch: number
}

/**
 * Tasks that become due within this part of the interval at most are taken together: to wake up for each costs more than
 * to poll it.
 */
const wakePart = 25
/**
 * Nor are due tasks looked for more often than this, or this part of the interval: of very many, those of several calls are
 * taken together, and what is done together finds the processor's caches warm (docs/decisions/0014-looks.md).
 */
const restMsMax = 40
const restPart = 5
/** A day of the calendar is this part of the interval. */
const dayPart = 1000
/** A poll may be put off by this part of the interval to share a call with what comes due meanwhile; the first one of a task, or after a hint, by less. */
const lingerPart = 2
const hurriedLingerMsMax = 100

/** How long nobody looks for due tasks after they were looked for, whatever wakes the relay meanwhile. */
export function restMs({ intervalMs }: Pick<Pace, 'intervalMs'>): number {
  return Math.max(1, Math.floor(Math.min(intervalMs / restPart, restMsMax)))
}

/** How much later than planned a task may be taken, so that a batch is taken together; of very many tasks, several. */
export function wakeMs(pace: Pace, tasks: number): number {
  const { intervalMs, batch } = pace
  return Math.max(restMs(pace), Math.floor(Math.min(intervalMs / wakePart, (intervalMs * batch) / tasks)))
}

/**
 * How far apart a host's calls leave while none is answered: of a fast upstream each answer is told before the next comes. All
 * that wait leave within a rest, where as many may be in flight.
 * @param calls how many wait
 */
export function staggerMs(pace: Pace & { concurrency: number }, calls: number): number {
  return Math.floor(restMs(pace) / Math.max(pace.concurrency, calls))
}

export function dayMs({ intervalMs }: Pace): number {
  return Math.max(1, Math.floor(intervalMs / dayPart))
}

/** How long a task that is due waits for company at most. */
export function lingerMs({ intervalMs }: Pace): number {
  return intervalMs / lingerPart
}

/** One that was registered or hinted at a moment ago. */
export function hurriedLingerMs(pace: Pace): number {
  return Math.min(lingerMs(pace), hurriedLingerMsMax)
}
