/**
 * A queue by due time for very many items: a calendar queue (R. Brown, 1988). Items lie unsorted in days of equal
 * length and only the days are kept in order, so adding, moving and taking one costs the same however many there are.
 */
import { createHeap } from './heap.ts'

export interface Calendar<T extends { dueAt: number }> {
  /** Adds the item or moves it, which is due at `at` from now on; nobody else may write `dueAt`. */
  set(item: T, at: number): void
  delete(item: T): void
  /** No item is due earlier; null when there is none. */
  nextAt(): number | null
  /** Removes and returns what is due at `now`, earlier days first. */
  takeDue(now: number): T[]
}

interface Day<T> {
  number: number
  items: Set<T>
  /** No item of the day is due earlier. */
  nextAt: number
}

/** @param dayMs about the time between two looks: of the day that has begun every item is looked at */
export function createCalendar<T extends { dueAt: number }>(dayMs: number): Calendar<T> {
  const days = new Map<number, Day<T>>()
  const order = createHeap<Day<T>>()

  function remove(item: T): void {
    const day = days.get(Math.floor(item.dueAt / dayMs))
    if (day?.items.delete(item) && day.items.size === 0) {
      days.delete(day.number)
      order.delete(day)
    }
  }

  function takeFrom(day: Day<T>, now: number, taken: T[]): void {
    day.nextAt = Number.POSITIVE_INFINITY
    for (const item of day.items) {
      if (item.dueAt > now) day.nextAt = Math.min(day.nextAt, item.dueAt)
      else {
        day.items.delete(item)
        taken.push(item)
      }
    }
    if (day.items.size === 0) days.delete(day.number)
    else order.set(day, day.nextAt)
  }

  return {
    set(item, at) {
      remove(item)
      item.dueAt = at
      const number = Math.floor(at / dayMs)
      const day = days.get(number) ?? { number, items: new Set<T>(), nextAt: Number.POSITIVE_INFINITY }
      if (day.items.size === 0) days.set(number, day)
      day.items.add(item)
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
