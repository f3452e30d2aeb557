import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeId } from '../../src/core/ids.ts'
import { mergeEndpoints, parseEndpointCursor } from '../../src/shards/endpoints.ts'
import { mergeMetrics } from '../../src/shards/metrics.ts'
import { mergePages, parseCursor, type ShardPage } from '../../src/shards/pages.ts'
import { allPlaces, placeOfId, placesOfToken } from '../../src/shards/places.ts'
import { changed, confirmed, firstSettings, type HomeRecord, repeatMs } from '../../src/shards/settings.ts'

const generations = [
  { generation: 2, shards: 8 },
  { generation: 1, shards: 4 },
]
const token = '471272a512d76c22665db9dcee893409'

describe('places', () => {
  it('gives a token one shard of each generation, newest first', () => {
    expect(placesOfToken(generations, token)).toEqual([
      { generation: 2, shard: 1 },
      { generation: 1, shard: 1 },
    ])
  })

  it('spreads tokens evenly, whichever part of them varies', () => {
    const counts = Array.from({ length: 8 }, () => 0)
    for (let i = 0; i < 8000; i++) {
      const [place] = placesOfToken(
        generations,
        i
          .toString(16)
          .padStart(i % 2 === 0 ? 32 : 1, '0')
          .padEnd(32, '0'),
      )
      counts[place!.shard]!++
    }
    for (const count of counts) expect(count).toBeGreaterThan(850)
  })

  it('finds the place of every id of a listed generation, and of no other', () => {
    for (const place of allPlaces(generations)) {
      expect(placeOfId(generations, encodeId('sub', { ...place, row: 2 ** 40 + 5 }, 'x1'))).toEqual(place)
      expect(placeOfId(generations, encodeId('dlv', { ...place, row: 7 }))).toEqual(place)
    }
    expect(placeOfId(generations, encodeId('sub', { generation: 1, shard: 4, row: 1 }))).toBeNull()
    expect(placeOfId(generations, encodeId('sub', { generation: 3, shard: 0, row: 1 }))).toBeNull()
    expect(placeOfId(generations, 'ep_1')).toBeNull()
  })
})

interface Row {
  at: number
  fits: boolean
}

/** A page looks through so many rows of a shard. */
const lookMax = 4

/** What a shard with `rows` (newest first) would answer. */
function pageOf(shard: number, rows: readonly Row[], cursor: string | null, limit: number): ShardPage {
  const from = cursor === null ? 0 : Number.parseInt(cursor.slice(1), 36)
  const found = rows.map((row, i) => ({ ...row, i })).slice(from, from + lookMax)
  const fitting = found.filter(({ fits }) => fits)
  const shown = fitting.slice(0, limit)
  const positions = shown.map(({ at, i }) => ({ cursor: `c${(i + 1).toString(36)}`, order: at }))
  const unseen = fitting.length > limit ? undefined : rows[from + lookMax]
  if (unseen) positions.push({ cursor: `c${(from + lookMax).toString(36)}`, order: unseen.at })
  const nextCursor = fitting.length > limit || unseen ? positions.at(-1)!.cursor : null
  const data = shown.map(({ at, i }) => `${shard}/${i}@${at}`)
  return { place: { generation: 1, shard }, asked: cursor, data, nextCursor, positions }
}

describe('pages', () => {
  it('list every row of every shard once, newest first, whatever the page size and however few fit', () => {
    const row = fc.record({ at: fc.integer({ min: 0, max: 50 }), fits: fc.boolean() })
    const newestFirst = fc.array(row, { maxLength: 20 }).map((all) => all.sort((a, b) => b.at - a.at))
    fc.assert(
      fc.property(
        fc.array(newestFirst, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        (shards, limit) => {
          const places = shards.map((_, shard) => ({ generation: 1, shard }))
          const seen: string[] = []
          let cursors = places.map((place) => ({ place, cursor: null as string | null }))
          for (let more = true; more; ) {
            const pages = cursors.map(({ place, cursor }) =>
              pageOf(place.shard, shards[place.shard]!, cursor, limit),
            )
            const merged = mergePages(pages, limit)
            expect(merged.data.length).toBeLessThanOrEqual(limit)
            seen.push(...(merged.data as string[]))
            more = merged.nextCursor !== null
            if (merged.nextCursor !== null) cursors = parseCursor(merged.nextCursor, places)!
          }
          expect(new Set(seen).size).toBe(seen.length)
          expect(seen.length).toBe(shards.flat().filter(({ fits }) => fits).length)
          const order = seen.map((row) => Number(row.split('@')[1]))
          expect(order).toEqual([...order].sort((a, b) => b - a))
        },
      ),
    )
  })

  it.for(['', 'm', 'c1', 'm0100c1,', 'm0100c1.0100c2', 'm01', 'm0100c1.0200c2'])(
    'refuses the cursor "%s"',
    (cursor) => {
      expect(parseCursor(cursor, [{ generation: 1, shard: 0 }])).toBeNull()
    },
  )
})

describe('endpoints', () => {
  const endpoint = (id: string, more: object = {}) => ({
    id,
    state: 'healthy',
    failing_since: null,
    last_success_at: null,
    backlog: 1,
    oldest_waiting_at: null,
    retry_after_until: null,
    ...more,
  })

  it('merge by id: one failing shard fails it, backlogs add up', () => {
    const failing = {
      state: 'failing',
      failing_since: '2026-01-02',
      last_success_at: '2026-01-01',
      oldest_waiting_at: '2026-01-01',
      retry_after_until: '2026-01-05',
    }
    const other = {
      last_success_at: '2026-01-04',
      oldest_waiting_at: '2026-01-03',
      retry_after_until: '2026-01-04',
    }
    const both = [failing, other].map((more, order) => ({ endpoint: endpoint('ep_a', more), order }))
    const merged = endpoint('ep_a', { ...failing, last_success_at: '2026-01-04', backlog: 2 })
    for (const inAnyOrder of [both, both.toReversed()])
      expect(mergeEndpoints(inAnyOrder, null, 50).data).toEqual([merged])
  })

  it('page through all of them once', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map((name, i) => ({
      endpoint: endpoint(`ep_${name}`),
      order: i >> 1,
    }))
    const first = mergeEndpoints(all, null, 3)
    const second = mergeEndpoints(all, parseEndpointCursor(first.nextCursor!), 3)
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual([
      'ep_e',
      'ep_d',
      'ep_c',
      'ep_b',
      'ep_a',
    ])
    expect(second.nextCursor).toBeNull()
  })

  it('keep their place in the list when another shard meets them between two pages', () => {
    const all = ['a', 'b', 'c', 'd'].map((name, order) => ({ endpoint: endpoint(`ep_${name}`), order }))
    const first = mergeEndpoints(all, null, 2)
    const met = [...all, { endpoint: endpoint('ep_b'), order: 4 }]
    const second = mergeEndpoints(met, parseEndpointCursor(first.nextCursor!), 2)
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(['ep_d', 'ep_c', 'ep_b', 'ep_a'])
  })
})

it('metrics keep one HELP and TYPE for the samples of all shards', () => {
  const of = (shard: string) =>
    `# HELP a A.\n# TYPE a counter\na{shard="${shard}"} 1\n\n# HELP b B.\n# TYPE b gauge\nb{shard="${shard}"} 2\n`
  expect(mergeMetrics([of('1:0'), of('1:1')])).toBe(
    '# HELP a A.\n# TYPE a counter\na{shard="1:0"} 1\na{shard="1:1"} 1\n# HELP b B.\n# TYPE b gauge\nb{shard="1:0"} 2\nb{shard="1:1"} 2\n',
  )
})

describe('settings of an owner', () => {
  const start: HomeRecord = { settings: firstSettings, pending: null }
  const rotate = { kind: 'rotate', overlapMs: 1000 } as const

  it('count a change that not every shard got once, however often it is repeated', () => {
    const once = changed(start, rotate, 0)
    expect(changed(once, rotate, 5)).toBe(once)
    expect(once.settings).toMatchObject({ version: 1, signing: [{ n: 2 }, { n: 1, expiresAt: 1000 }] })
  })

  it('change again once it is confirmed, or long after', () => {
    const once = changed(start, rotate, 0)
    expect(changed(confirmed(once, 1), rotate, 5).settings.version).toBe(2)
    expect(changed(once, rotate, repeatMs).settings.version).toBe(2)
    expect(confirmed(once, 0).pending).not.toBeNull()
  })

  it('keep the settings of an endpoint that a change does not name', () => {
    const paused = changed(start, { kind: 'endpoint', id: 'ep_a', patch: { paused: true } }, 0)
    const limited = changed(paused, { kind: 'endpoint', id: 'ep_a', patch: { maxConcurrency: 3 } }, 1)
    expect(limited.settings.endpoints).toEqual({ ep_a: { paused: true, maxConcurrency: 3 } })
  })
})
