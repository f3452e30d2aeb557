/** Names whose servers never answer, among those that are found at once. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLookups } from '../../src/net/node/lookups.ts'

const waitMs = 10_000
const addresses = [{ address: '93.184.215.14', family: 4 }]

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => vi.useRealTimers())

/** Six at once, half of them strangers. */
function makeLookups() {
  const running = new Map<string, PromiseWithResolvers<typeof addresses>>()
  /** Names, in the order in which they were looked up. */
  const started: string[] = []
  const resolve = createLookups({
    lookupsMax: 6,
    waitMs,
    lookup(hostname) {
      started.push(hostname)
      const answer = Promise.withResolvers<typeof addresses>()
      running.set(hostname, answer)
      return answer.promise
    },
  })
  /** What came of it: undefined as long as nobody has said. */
  const ask = (hostname: string) => {
    const asked: { came?: 'found' | 'not found' } = {}
    resolve(hostname).then(
      () => {
        asked.came = 'found'
      },
      () => {
        asked.came = 'not found'
      },
    )
    return asked
  }
  const end = async (hostname: string, found: boolean) => {
    if (found) running.get(hostname)!.resolve(addresses)
    else running.get(hostname)!.reject(new Error('EAI_AGAIN'))
    running.delete(hostname)
    await vi.advanceTimersByTimeAsync(0)
  }
  /** Asked for before, and found at once. */
  const know = async (...hostnames: string[]) => {
    for (const hostname of hostnames) {
      ask(hostname)
      await end(hostname, true)
    }
    started.length = 0
  }
  return { running, started, ask, end, know }
}

const names = (count: number, name: (n: number) => string) => Array.from({ length: count }, (_, n) => name(n))

test('hundreds of names that hang take half of the places, and a name that was found before is found', async () => {
  const { started, running, ask, end, know } = makeLookups()
  await know('hooks.good.test')
  for (const name of names(300, (n) => `hooks.dark-${n}.test`)) ask(name)
  expect(running.size).toBe(3)
  const good = ask('hooks.good.test')
  expect(started.at(-1)).toBe('hooks.good.test')
  await end('hooks.good.test', true)
  expect(good.came).toBe('found')
})

test('one zone that hangs keeps no name of another from its first lookup', async () => {
  const { running, ask, end } = makeLookups()
  for (const name of names(300, (n) => `hook-${n}.dark.test`)) ask(name)
  expect([...running.keys()]).toEqual(['hook-0.dark.test'])
  const fresh = ask('hooks.fresh.test')
  await end('hooks.fresh.test', true)
  expect(fresh.came).toBe('found')
})

test('two zones that were found before and hang now leave places, whoever of them asks', async () => {
  const { running, ask, know } = makeLookups()
  const dark = names(20, (n) => `hook-${n}.dark-${n % 2}.test`)
  await know(...dark, 'hooks.good.test')
  for (const name of [...dark, 'new.dark-0.test', 'new.dark-1.test']) ask(name)
  expect(running.size).toBe(4)
  ask('hooks.good.test')
  expect(running.has('hooks.good.test')).toBe(true)
})

test('a name that was found before goes before those of which nothing is known, whoever came first', async () => {
  const { started, ask, end, know } = makeLookups()
  const good = names(6, (n) => `hooks.good-${n}.test`)
  await know(...good, 'hooks.late.test')
  for (const name of [...good, 'hooks.fresh.test', 'hooks.late.test']) ask(name)
  await end(good[0]!, true)
  expect(started.at(-1)).toBe('hooks.late.test')
  await end(good[1]!, true)
  expect(started.at(-1)).toBe('hooks.fresh.test')
})

test.each(['found slowly', 'not found'])(
  'a name that was %s the last time is a stranger again',
  async (how) => {
    const { running, started, ask, end, know } = makeLookups()
    await know('hooks.once.test')
    ask('hooks.once.test')
    if (how === 'found slowly') await vi.advanceTimersByTimeAsync(1_000)
    await end('hooks.once.test', how === 'found slowly')
    for (const name of names(3, (n) => `hooks.dark-${n}.test`)) ask(name)
    ask('hooks.once.test')
    expect(running.size).toBe(3)
    expect(started.at(-1)).toBe('hooks.dark-2.test')
  },
)

test('who asks for a name that is being looked up waits for that, however long it takes', async () => {
  const { started, ask, end } = makeLookups()
  ask('hooks.slow.test')
  await vi.advanceTimersByTimeAsync(waitMs + 1)
  const second = ask('hooks.slow.test')
  expect(started).toHaveLength(1)
  await end('hooks.slow.test', true)
  expect(second.came).toBe('found')
})

test('never more run at once than may', async () => {
  const { running, ask, know } = makeLookups()
  const good = names(20, (n) => `hooks.good-${n}.test`)
  await know(...good)
  for (const name of good) ask(name)
  expect(running.size).toBe(6)
})

test('what nobody waits for any more is not looked up', async () => {
  const { started, ask, end } = makeLookups()
  for (const name of ['a', 'b', 'c']) ask(`${name}.${name}.test`)
  const waiting = ask('hooks.waiting.test')
  ask('hooks.wanted.test')
  await vi.advanceTimersByTimeAsync(waitMs - 1)
  ask('hooks.wanted.test')
  await vi.advanceTimersByTimeAsync(1)
  for (const name of ['a', 'b']) await end(`${name}.${name}.test`, false)
  expect(started.slice(3)).toEqual(['hooks.wanted.test'])
  expect(waiting.came).toBeUndefined()
  // Asked for anew it is.
  ask('hooks.waiting.test')
  expect(started.at(-1)).toBe('hooks.waiting.test')
})

test('a name that was not found, slowly, is refused without a lookup for a while', async () => {
  const { started, ask, end } = makeLookups()
  ask('hooks.dark.test')
  await vi.advanceTimersByTimeAsync(20_000)
  await end('hooks.dark.test', false)
  await vi.advanceTimersByTimeAsync(2_999)
  const refused = ask('hooks.dark.test')
  await vi.advanceTimersByTimeAsync(0)
  expect(refused.came).toBe('not found')
  expect(started).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  const again = ask('hooks.dark.test')
  await end('hooks.dark.test', true)
  expect(again.came).toBe('found')
})

test('a name that was not found at once, or found slowly, is looked up again', async () => {
  const { started, ask, end } = makeLookups()
  ask('hooks.typo.test')
  await end('hooks.typo.test', false)
  ask('hooks.typo.test')
  ask('hooks.slow.test')
  await vi.advanceTimersByTimeAsync(5_000)
  await end('hooks.slow.test', true)
  ask('hooks.slow.test')
  expect(started).toEqual(['hooks.typo.test', 'hooks.typo.test', 'hooks.slow.test', 'hooks.slow.test'])
})
