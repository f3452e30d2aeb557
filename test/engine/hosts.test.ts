/** What one pass does with very many due tasks and hosts is bounded: everything else waits for it. */
import { expect, it, vi } from 'vitest'
import type { Entry } from '../../src/engine/entry.ts'
import { type FurtherCall, type Host, noteAnswer, noteFailedCall } from '../../src/engine/host.ts'
import { createHosts, type Hosts } from '../../src/engine/hosts.ts'
import { entryWith } from './entries.ts'
import { apiOrigin, hour, minute, second } from './world.ts'

const master1 = 'https://master-1.qencode.com'
const master2 = 'https://master-2.qencode.com'
/** Long after whatever was put off to share a call. */
const later = 10 * second

function open(more: { mastersConcurrency?: number } = {}) {
  const refused: Entry[] = []
  const started: { host: Host; batch: Entry[] }[] = []
  const wake = vi.fn()
  const settings = {
    apiOrigin,
    intervalMs: 5 * second,
    intervalMaxMs: 30 * second,
    batch: 100,
    concurrency: 4,
    ...more,
  }
  const hosts = createHosts({
    now: () => later,
    settings,
    start: (host, batch) => started.push({ host, batch }),
    refuse: (batch) => refused.push(...batch),
    wake,
  })
  // Not the first answer since the start.
  noteAnswer(hosts.api)
  const startedAt = (origin: string) =>
    started.filter(({ host }) => host.origin === origin).flatMap(({ batch }) => batch)
  return { hosts, refused, started, startedAt, wake }
}

function entryOf(n: number, origin: string): Entry {
  return entryWith({ token: n.toString(16).padStart(32, '0'), origin }, { expiresAt: hour })
}

/** Its last poll failed, wherever it was asked for. */
function failingEntry(n: number): Entry {
  const entry = entryOf(n, master2)
  return { ...entry, watch: { ...entry.watch, failingSince: 0 } }
}

/** Its time has run out. */
function lastPollOf(n: number): Entry {
  const entry = entryOf(n, master2)
  return { ...entry, watch: { ...entry.watch, expiresAt: later } }
}

function put(hosts: Hosts, entry: Entry, at = 0): void {
  hosts.enqueue(entry, { hurried: false, hasNeighbours: true, nextDueAt: 0 }, at)
}

const failedTwice = { answered: 0, failures: 2, failedAt: 0, blockedUntil: later - second }

/** A call to `master1` has the only place of masters, and the API host, which failed, may be tried again. */
function openCrowded(api: Partial<Host> = failedTwice) {
  const opened = open({ mastersConcurrency: 1 })
  Object.assign(opened.hosts.api, api)
  enqueue(opened.hosts, 100, () => master1)
  opened.hosts.dispatch(later)
  return opened
}

function enqueue(hosts: Hosts, count: number, originOf: (n: number) => string, at = 0): void {
  for (let n = 0; n < count; n++) put(hosts, entryOf(n, originOf(n)), at)
}

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

it('what a master hands over between two passes, as all masters have their calls, is not forgotten', () => {
  const { hosts, started, wake } = open({ mastersConcurrency: 1 })
  enqueue(hosts, 100, () => master1)
  hosts.dispatch(later)
  const { host } = started[0]!
  enqueue(hosts, 100, () => master1)
  host.joinAt = 0
  void hosts.acquire(host, 'split')
  expect(wake).toHaveBeenCalledOnce()
  hosts.dispatch(later)
  expect(started.map((call) => call.host.origin)).toEqual([master1, apiOrigin])
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

it('masters wait for a place in turn, and hand nothing over, while the API host fails', () => {
  const { hosts, started } = open({ mastersConcurrency: 1 })
  Object.assign(hosts.api, { ...failedTwice, blockedUntil: later + minute })
  enqueue(hosts, 300, () => master1)
  hosts.dispatch(later)
  enqueue(hosts, 100, () => master2)
  hosts.dispatch(later)
  expect(started.map(({ host }) => host.origin)).toEqual([master1])
  for (let n = 0; n < 3; n++) {
    hosts.release(started[n]!.host, 'batch')
    hosts.dispatch(later)
  }
  expect(started.map(({ host }) => host.origin)).toEqual([master1, master1, master2, master1])
})

const inDoubt: [string, Partial<Host>][] = [
  ['failed again and again', failedTwice],
  ['failed last', { answered: 0, failures: 1, failedAt: 0 }],
  ['has not answered since the start', { answered: 0 }],
]

it.each(inDoubt)(
  'an API host that %s is tried by a batch of what masters have no place for',
  (_what, api) => {
    const { hosts, started, startedAt } = openCrowded(api)
    enqueue(hosts, 250, () => master2)
    hosts.dispatch(later)
    expect(startedAt(apiOrigin)).toHaveLength(100)
    // It has answered: the rest need not wait.
    noteAnswer(hosts.api)
    hosts.release(started.at(-1)!.host, 'batch')
    for (const at of [later, later + second]) hosts.dispatch(at)
    expect(startedAt(apiOrigin)).toHaveLength(250)
  },
)

it.each(inDoubt)(
  'where it %s the others wait for a place at their master, also if that batch fails',
  (_what, api) => {
    const { hosts, started, startedAt, refused } = openCrowded(api)
    enqueue(hosts, 250, () => master2)
    hosts.dispatch(later)
    Object.assign(hosts.api, { failures: 3, failedAt: later, blockedUntil: later + minute })
    for (const { host } of [...started]) hosts.release(host, 'batch')
    hosts.dispatch(later)
    expect(startedAt(apiOrigin)).toHaveLength(100)
    expect(startedAt(master2)).toHaveLength(100)
    expect(refused).toEqual([])
  },
)

it('where that batch fails at once, none follows it before its failure would count', () => {
  const { hosts, started, startedAt } = openCrowded({ answered: 0 })
  const call = { now: later, intervalMs: 5 * second, intervalMaxMs: 30 * second, chance: 0.5 }
  enqueue(hosts, 250, () => master2)
  hosts.dispatch(later)
  noteFailedCall(hosts.api, { ...call, startedAt: later })
  hosts.release(started.at(-1)!.host, 'batch')
  // Also if no answer comes before, as masters may say nothing.
  expect(hosts.dispatch(later + 1)).toBe(later + 40)
  expect(startedAt(apiOrigin)).toHaveLength(100)
  hosts.dispatch(later + 40)
  expect(startedAt(apiOrigin)).toHaveLength(200)
})

it('what is due at the API host itself is asked for at full speed before it has answered', () => {
  const { hosts, startedAt } = open()
  hosts.api.answered = 0
  enqueue(hosts, 1_000, () => apiOrigin)
  for (let n = 0; n < 4; n++) hosts.dispatch(later + n * second)
  expect(startedAt(apiOrigin)).toHaveLength(400)
})

it.each(inDoubt)(
  'where it %s lone tasks, which show nothing of a host, what failed before, and last polls are not tried',
  (_what, api) => {
    const { hosts, startedAt } = openCrowded(api)
    for (let n = 0; n < 10; n++) put(hosts, { ...entryOf(1_000 + n, master2), unreadable: true })
    for (let n = 0; n < 100; n++) put(hosts, failingEntry(n))
    for (let n = 0; n < 100; n++) put(hosts, lastPollOf(2_000 + n))
    hosts.dispatch(later)
    expect(startedAt(apiOrigin)).toEqual([])
    const well = entryOf(100, 'https://master-3.qencode.com')
    put(hosts, well)
    hosts.dispatch(later)
    expect(startedAt(apiOrigin)).toEqual([well])
  },
)

it('of a batch that is tried at it, what failed before goes back to its master', () => {
  const { hosts, started, startedAt } = openCrowded()
  const [well, failing] = [entryOf(1, master2), failingEntry(2)]
  for (const entry of [well, failing]) put(hosts, entry)
  hosts.dispatch(later)
  expect(startedAt(apiOrigin)).toEqual([well])
  hosts.release(started[0]!.host, 'batch')
  hosts.dispatch(later)
  expect(startedAt(master2)).toEqual([failing])
})

it('what failed before waits for its master until the API host has answered ten calls in a row', () => {
  const { hosts, startedAt } = openCrowded()
  const failing = failingEntry(1)
  put(hosts, failing)
  for (let n = 0; n < 9; n++) noteAnswer(hosts.api)
  hosts.dispatch(later)
  expect(startedAt(apiOrigin)).toEqual([])
  const call = { intervalMs: 5 * second, intervalMaxMs: 30 * second, chance: 0.5 }
  noteFailedCall(hosts.api, { ...call, startedAt: later, now: later })
  for (let n = 0; n < 10; n++) {
    hosts.dispatch(later)
    expect(startedAt(apiOrigin)).toEqual([])
    noteAnswer(hosts.api)
  }
  hosts.dispatch(later)
  expect(startedAt(apiOrigin)).toEqual([failing])
})

it('what leaves a master where others stay finds company of other masters at the API host', () => {
  const { hosts, started, startedAt } = openCrowded({ answered: 1 })
  const master3 = 'https://master-3.qencode.com'
  put(hosts, failingEntry(1))
  put(hosts, { ...failingEntry(2), origin: master3 })
  const [one, other] = [entryOf(3, master2), entryOf(4, master3)]
  put(hosts, one)
  expect(hosts.dispatch(later)).toBe(later + 100)
  put(hosts, other)
  hosts.dispatch(later + 99)
  expect(startedAt(apiOrigin)).toEqual([])
  hosts.dispatch(later + 100)
  expect(started.at(-1)!.batch).toEqual([one, other])
})

it('where none stays, it has waited for company already', () => {
  const { hosts, startedAt } = openCrowded({ answered: 1 })
  const entry = entryOf(1, master2)
  put(hosts, entry)
  hosts.dispatch(later)
  expect(startedAt(apiOrigin)).toEqual([entry])
})

it('what may be tried at a failing API host is found behind what may not', () => {
  const { hosts, startedAt } = openCrowded()
  for (let n = 0; n < 150; n++) put(hosts, failingEntry(n))
  const well = entryOf(150, master2)
  put(hosts, well)
  hosts.dispatch(later)
  expect(startedAt(apiOrigin)).toEqual([well])
})

it('what nobody wants any more shows nothing of a failing API host', () => {
  const { hosts, startedAt, wake } = openCrowded()
  // Taken a hundred at a time, each time from a queue that is copied, they would hold up the pass for seconds.
  for (let n = 0; n < 10_000; n++) put(hosts, { ...entryOf(n, master2), wanted: false })
  hosts.dispatch(later)
  expect(wake).not.toHaveBeenCalled()
  expect(startedAt(apiOrigin)).toEqual([])
})
