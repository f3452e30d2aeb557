/** What one pass does with very many due tasks and hosts is bounded, as everything else waits for it, and each has its turn. */
import { expect, it } from 'vitest'
import type { FurtherCall } from '../../src/engine/host.ts'
import { enqueue, entryOf, later, master1, open } from './host-queues.ts'
import { apiOrigin, second } from './world.ts'

it('of what is due while the API host is not to be asked a pass refuses a thousand, and comes again at once', () => {
  const { hosts, refused } = open()
  enqueue(hosts, 2_050, () => apiOrigin)
  hosts.api.toldUntil = later + 1
  expect(hosts.dispatch(later)).toBe(later)
  expect(refused).toHaveLength(1_000)
  expect(hosts.dispatch(later)).toBe(later)
  expect(hosts.dispatch(later)).toBeNull()
  expect(refused.map(({ token }) => token)).toEqual(
    Array.from({ length: 2_050 }, (_, n) => entryOf(n, apiOrigin).token),
  )
})

it('a task of a host beyond a thousand is asked for at the API host, until others are forgotten', () => {
  const { hosts, started } = open()
  const further = 'https://further.qencode.com'
  // The API host is one of them.
  enqueue(hosts, 999, (n) => `https://master-${n}.qencode.com`)
  enqueue(hosts, 100, () => further)
  hosts.dispatch(0)
  expect(started.map(({ host, batch }) => [host.origin, batch.length])).toEqual([[apiOrigin, 100]])
  expect(started[0]!.batch.every(({ origin }) => origin === further)).toBe(true)

  // Those that wait are asked for; nothing is under way at their hosts any more.
  hosts.dispatch(later)
  for (const { host } of started.splice(0)) hosts.release(host, 'batch')
  hosts.dispatch(later)
  for (const { host } of started.splice(0)) hosts.release(host, 'batch')
  enqueue(hosts, 100, () => further)
  hosts.dispatch(later)
  expect(started.map(({ host, batch }) => [host.origin, batch.length])).toContainEqual([further, 100])
})

it('of as many hosts as may be those that failed long ago are forgotten', () => {
  const { hosts, started } = open({ mastersConcurrency: 1_000 })
  enqueue(hosts, 999, (n) => `https://master-${n}.qencode.com`)
  hosts.dispatch(later)
  for (const { host } of started.splice(0)) {
    host.failures = 1
    host.failedAt = later
    hosts.release(host, 'batch')
  }
  const further = 'https://further.qencode.com'
  const askedWhere = (at: number) => {
    enqueue(hosts, 100, () => further)
    hosts.dispatch(at)
    return started.splice(0).map(({ host }) => host.origin)
  }
  expect(askedWhere(later)).toEqual([apiOrigin])
  // The pass in which they are found to be old comes first.
  const longAfter = later + 121 * second
  expect(askedWhere(longAfter)).toEqual([apiOrigin])
  expect(askedWhere(longAfter)).toEqual([further])
})

it.each([
  ['a while ago', 100 * second, [master1, apiOrigin]],
  ['long ago', 121 * second, [master1, master1]],
])(
  'what was seen %s of a host that failed counts no longer than four of the longest intervals',
  (_when, sinceMs, origins) => {
    const { hosts, started } = open()
    enqueue(hosts, 100, () => master1)
    hosts.dispatch(later)
    for (const { host } of started.splice(0)) {
      host.failures = 2
      host.failedAt = later
      hosts.release(host, 'batch')
    }
    hosts.dispatch(later)
    enqueue(hosts, 200, () => master1, later + sinceMs)
    for (const more of [0, second]) hosts.dispatch(later + sinceMs + more)
    expect(started.map(({ host }) => host.origin)).toEqual(origins)
  },
)

it('a pass does not look at hosts that failed and have nothing to do', () => {
  const { hosts, started } = open()
  enqueue(hosts, 50, (n) => `https://master-${n}.qencode.com`)
  hosts.dispatch(later)
  const masters = started.splice(0).map(({ host }) => host)
  let looks = 0
  for (const host of masters) {
    host.failures = 2
    host.failedAt = later
    hosts.release(host, 'batch')
    const { known } = host
    Object.defineProperty(host, 'known', {
      get() {
        looks++
        return known
      },
    })
  }
  hosts.dispatch(later)
  expect(looks).toBeGreaterThan(0)
  looks = 0
  hosts.dispatch(later)
  expect(looks).toBe(0)
  enqueue(hosts, 50, (n) => `https://master-${n}.qencode.com`)
  hosts.dispatch(later)
  // They are known still.
  expect(started.map(({ host }) => masters.includes(host))).toEqual(Array(50).fill(true))
})

it('what is alone at a master that is down shares the calls to the API host', () => {
  const { hosts, started } = open()
  const master = (n: number) => `https://master-${n}.qencode.com`
  const company = { hurried: false, hasNeighbours: false, nextDueAt: second }
  // Known, and then busy for a while.
  for (let n = 0; n < 50; n++) hosts.enqueue({ ...entryOf(n, master(n)), polledAt: 0 }, company, 0)
  hosts.dispatch(0)
  for (const { host } of started.splice(0)) {
    host.toldUntil = 20 * second
    hosts.release(host, 'batch')
  }
  for (let n = 0; n < 50; n++) hosts.enqueue({ ...entryOf(n, master(n)), polledAt: 0 }, company, 0)
  hosts.dispatch(0)
  expect(started).toEqual([])
  hosts.dispatch(later)
  expect(started.map(({ host, batch }) => [host.origin, batch.length])).toEqual([[apiOrigin, 50]])
})

it('what a poll under way leaves behind when it takes a place is not forgotten', () => {
  const { hosts, started, wake } = open()
  enqueue(hosts, 300, () => apiOrigin)
  expect(hosts.dispatch(later)).toBeGreaterThan(later)
  expect(started).toHaveLength(1)
  expect(wake).not.toHaveBeenCalled()
  void hosts.acquire(hosts.api, 'fallback')
  expect(wake).toHaveBeenCalledOnce()
})

it("what nobody wants any more is nobody else's turn", () => {
  const { hosts, started } = open()
  enqueue(hosts, 300, () => apiOrigin)
  const lone = Array.from({ length: 5 }, (_, n) => ({ ...entryOf(1_000 + n, apiOrigin), unreadable: true }))
  for (const entry of lone) hosts.enqueue(entry, { hurried: false, hasNeighbours: true, nextDueAt: 0 }, 0)
  for (const entry of lone.slice(0, 4)) entry.wanted = false
  hosts.dispatch(later)
  hosts.dispatch(later + second)
  expect(started.map(({ batch }) => batch.length)).toEqual([100, 1])
  expect(started[1]!.batch).toEqual([lone[4]])
})

it('a part of a spoiled batch does not go behind all that masters could not answer for', async () => {
  const { hosts } = open()
  const placed: string[] = []
  const acquire = (call: FurtherCall, n: number) => {
    void hosts.acquire(hosts.api, call).then(() => placed.push(`${call} ${n}`))
  }
  for (let n = 0; n < 100; n++) acquire('loneFallback', n)
  for (let n = 0; n < 2; n++) acquire('split', n)
  for (let n = 0; n < 5; n++) {
    await Promise.resolve()
    hosts.release(hosts.api, 'suspects')
  }
  await Promise.resolve()
  // Two of the four places are for what spoils calls.
  expect(placed).toEqual([
    'loneFallback 0',
    'loneFallback 1',
    'split 0',
    'loneFallback 2',
    'split 1',
    'loneFallback 3',
    'loneFallback 4',
  ])
})

it('the probe of an API host that failed has its turn among what is asked alone', async () => {
  const { hosts, startedAt } = open()
  hosts.api.failures = 2
  for (let n = 0; n < 50; n++) void hosts.acquire(hosts.api, 'loneFallback')
  enqueue(hosts, 10, () => apiOrigin)
  hosts.dispatch(later)
  for (let n = 0; n < 3; n++) {
    hosts.release(hosts.api, 'suspects')
    hosts.dispatch(later)
  }
  expect(startedAt(apiOrigin)).toHaveLength(10)
})
