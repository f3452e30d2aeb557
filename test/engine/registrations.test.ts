/** What a registration costs, counted in statements and commits. */
import { sql } from 'drizzle-orm'
import { afterEach, expect, test } from 'vitest'
import type { Commands } from '../../src/commands.ts'
import { createCommands } from '../../src/engine/commands.ts'
import { createQuota } from '../../src/engine/quota.ts'
import { firstWatch } from '../../src/store/watches.ts'
import { inputOf, noQuota, openWorld, start, type World } from '../contract/store/fixture.ts'
import { openOnNode } from '../contract/store/on-node.ts'
import { lockedError } from '../support/locked.ts'

const statements: string[] = []
const empty = openOnNode((text) => statements.push(text))
const world = openWorld(empty)

afterEach(() => {
  statements.length = 0
})

const inputs = (count: number) => Array.from({ length: count }, () => inputOf(world.acme, world.newToken()))

function statementsOf(count: number): number {
  statements.length = 0
  world.store.subscribe(inputs(count), start, noQuota)
  return statements.length
}

test('a registration of a new task is two statements, besides those that all of a commit share', () => {
  // The first of all makes the endpoint.
  statementsOf(1)
  const shared = statementsOf(1) - 2
  expect(statementsOf(100) - shared).toBe(200)
})

test('registrations that arrive together are one transaction', async () => {
  const turns: (() => void)[] = []
  const commands = commandsOf(world, (work) => turns.push(work))
  const answers = inputs(10).map((input) => commands.subscribe([input]))
  expect(statements).toEqual([])
  for (const turn of turns) turn()
  const kinds = (await Promise.all(answers)).flat().map(({ kind }) => kind)
  expect(kinds).toEqual(Array(10).fill('created'))
  expect(statements.filter((text) => text.startsWith('BEGIN'))).toHaveLength(1)
  expect(statements.at(-1)).toBe('COMMIT')
})

test('a crowd of registrations is written in commits of a thousand at most, between which others have their turn', async () => {
  const turns: (() => void)[] = []
  const commands = commandsOf(world, (work) => turns.push(work))
  const answers = Array.from({ length: 5 }, () => commands.subscribe(inputs(400)))
  const commits = () => statements.filter((text) => text === 'COMMIT').length
  const counts: number[] = []
  while (turns.length > 0) {
    turns.shift()!()
    counts.push(commits())
  }
  expect(counts).toEqual([1, 2, 3])
  const results = await Promise.all(answers)
  expect(results.map(({ length }) => length)).toEqual(Array(5).fill(400))
  expect(new Set(results.flat().map(({ kind }) => kind))).toEqual(new Set(['created']))
})

test('polled tasks are read by their index and by key, not by going through the ended ones', () => {
  statements.length = 0
  world.store.watchesAfter(firstWatch)
  const [part = [], watches = []] = statements.map((text) =>
    world.db.all<{ detail: string }>(sql.raw(`explain query plan ${text}`)).map(({ detail }) => detail),
  )
  expect(part).toEqual([expect.stringContaining('SEARCH tasks USING COVERING INDEX tasks_polling')])
  expect(watches.filter((step) => step.startsWith('SCAN'))).toEqual(['SCAN json_each VIRTUAL TABLE INDEX 1:'])
  expect(watches.filter((step) => step.includes('FOR GROUP BY'))).toEqual([])
})

function commandsOf({ store }: World, after: (work: () => void) => void): Commands {
  return createCommands({
    store,
    poller: { reload() {}, hint() {}, polledAt: () => null },
    deliverer: { askAgain() {}, touch() {}, reload() {} },
    quota: createQuota(10_000, store.countOpen),
    now: () => start,
    timers: {
      after(_ms, work) {
        after(work)
        return () => {}
      },
    },
    secretsOf: () => [],
    onTouched() {},
    onChanged() {},
    async withdraw() {},
    ready: () => true,
  })
}

test.each([
  ['at once', 0],
  ['while each is tried alone', 1],
])(
  'another program that holds the file, %s, is waited for once for all that came together',
  async (_when, refusals) => {
    const locked = lockedError()
    let tries = 0
    const store = {
      ...world.store,
      subscribe() {
        tries++
        throw tries > refusals ? locked : new Error('refused')
      },
    }
    const soon: (() => void)[] = []
    const commands = commandsOf({ ...world, store }, (work) => soon.push(work))
    const asked = [1, 2, 3].map(() => commands.subscribe([inputOf(world.acme, world.newToken())]))
    for (const work of soon.splice(0)) work()
    expect(await Promise.allSettled(asked)).toEqual(asked.map(() => ({ status: 'rejected', reason: locked })))
    expect(tries).toBe(refusals + 1)
  },
)
