/** How finely the poll schedule is kept, how often it is looked at, and how long a poll waits for company. */

interface Pace {
  intervalMs: number
  batch: number
}

/**
 * Tasks that become due within this part of the interval at most are taken together: to wake up for each costs more than
 * to poll it, and they wait longer than that for company anyway.
 */
const wakePart = 25
/** The most frequent wake-ups, a batch at a time of very many tasks, are this part of the interval apart. */
const dayPart = 1000
/** A poll may be put off by this part of the interval to share a call; the first one of a task by less. */
const lingerPart = 2
const firstLingerMsMax = 100

/** How much later than planned a task may be taken, so that a batch is taken together, and not many at a time. */
export function wakeMs({ intervalMs, batch }: Pace, tasks: number): number {
  return Math.max(1, Math.floor(Math.min(intervalMs / wakePart, (intervalMs * batch) / tasks)))
}

/** Length of a day of the calendar. */
export function dayMs({ intervalMs }: Pace): number {
  return Math.max(1, Math.floor(intervalMs / dayPart))
}

/** @param first whether nothing is known of the task yet */
export function lingerMs({ intervalMs }: Pace, first: boolean): number {
  const most = intervalMs / lingerPart
  return first ? Math.min(most, firstLingerMsMax) : most
}
