/**
 * A queue by due time for very many items: a calendar queue (R. Brown, 1988). Items lie unsorted in days of equal
 * length and only the days are kept in order, so adding, moving and taking one costs the same however many there are.
 */
import { createHeap } from './heap.ts'

export interface Calendar<T extends Dated> {
  /** Adds the item or moves it, which is due at `at` from now on. */
  set(item: T, at: number): void
  delete(item: T): void
  /** No item is due earlier; null when there is none. */
  nextAt(): number | null
  /** Removes and returns what is due at `now`, earlier days first. */
  takeDue(now: number): T[]
}

/** What the calendar knows of an item, written by nobody else. */
export interface Dated {
  dueAt: number
  /** The number of the day in which the item lies; null when it is not in the calendar. */
  day: number | null
}

interface Day<T> {
  number: number
  /** In the order they came, with what has left the day since: moved or removed it is still here, and passed over. */
  items: T[]
  /** How many have not left. */
  size: number
  /** No item of the day is due earlier. */
  nextAt: number
}

/** So many may have left a day, and as many again as lie in it, before they are looked for. */
const leftMax = 64

/**
 * @param dayMs about the time between two looks: of the day that has begun every item is looked at
 * @param since about now: days are counted from here, as small integers are found several times as fast
 */
export function createCalendar<T extends Dated>(dayMs: number, since: number): Calendar<T> {
  const days = new Map<number, Day<T>>()
  const order = createHeap<Day<T>>()

  function dayOf(number: number): Day<T> {
    const found = days.get(number)
    if (found !== undefined) return found
    const day: Day<T> = { number, items: [], size: 0, nextAt: Number.POSITIVE_INFINITY }
    days.set(number, day)
    return day
  }

  function remove(item: T): void {
    const day = item.day === null ? undefined : days.get(item.day)
    item.day = null
    if (day === undefined || --day.size > 0) return
    days.delete(day.number)
    order.delete(day)
  }

  function forgetLeft(day: Day<T>): void {
    day.items = [...new Set(day.items.filter((item) => item.day === day.number))]
  }

  function takeFrom(day: Day<T>, now: number, taken: T[]): void {
    const { items } = day
    day.items = []
    day.nextAt = Number.POSITIVE_INFINITY
    for (const item of items) {
      if (item.day !== day.number) continue
      if (item.dueAt > now) {
        day.items.push(item)
        day.nextAt = Math.min(day.nextAt, item.dueAt)
      } else {
        item.day = null
        day.size--
        taken.push(item)
      }
    }
    if (day.size === 0) days.delete(day.number)
    else order.set(day, day.nextAt)
  }

  return {
    set(item, at) {
      item.dueAt = at
      const day = dayOf(Math.floor((at - since) / dayMs))
      if (item.day !== day.number) {
        remove(item)
        item.day = day.number
        day.items.push(item)
        day.size++
        if (day.items.length > 2 * day.size + leftMax) forgetLeft(day)
      }
      if (at >= day.nextAt) return
      day.nextAt = at
      order.set(day, at)
    },
    delete: remove,
    nextAt: () => order.nextAt(),
    takeDue(now) {
      const taken: T[] = []
      for (let day = order.takeDue(now); day !== undefined; day = order.takeDue(now))
        takeFrom(day, now, taken)
      return taken
    },
  }
}
