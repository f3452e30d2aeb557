/** What masters have no place for, and how much of it may be asked for at an API host that may be failing. */
import { expect, it } from 'vitest'
import type { Entry } from '../../src/engine/entry.ts'
import { type Host, noteAnswer, noteFailedCall } from '../../src/engine/host.ts'
import { enqueue, entryOf, later, master1, master2, open, put } from './host-queues.ts'
import { apiOrigin, minute, second } from './world.ts'

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

const failedTwice = { answered: 0, failures: 2, failedAt: 0, blockedUntil: later - second }

/** A call to `master1` has the only place of masters, and the API host, which failed, may be tried again. */
function openCrowded(api: Partial<Host> = failedTwice) {
  const opened = open({ mastersConcurrency: 1 })
  Object.assign(opened.hosts.api, api)
  enqueue(opened.hosts, 100, () => master1)
  opened.hosts.dispatch(later)
  return opened
}

const inDoubt: [string, Partial<Host>][] = [
  ['failed again and again', failedTwice],
  ['failed last', { answered: 0, failures: 1, failedAt: 0 }],
  ['has not answered since the start', { answered: 0 }],
]

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
