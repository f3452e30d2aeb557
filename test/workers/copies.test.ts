/** A shard's copy of an owner's settings: when it counts as taken, and what waits while there is none. */
import { beforeEach, expect, it, vi } from 'vitest'
import type { Relay } from '../../src/relay.ts'
import { firstSettings, type OwnerSettings } from '../../src/shards/settings.ts'
import type { EndpointPatch } from '../../src/store/records.ts'
import { type Copies, createCopies } from '../../src/worker/copies.ts'

const acme = { id: 1, name: 'acme' }

/** What the shard's relay was told of its endpoints. */
let written: [id: string, patch: EndpointPatch][]
/** The disk is full once so much has been written. */
let fullAfter: number
let home: () => Promise<OwnerSettings>
let held: Set<number>
/** Endpoints that the shard has. */
let listed: string[]
/** What waits, by how long. */
let timers: Map<number, () => void>
let copies: Copies

beforeEach(() => {
  written = []
  fullAfter = Number.POSITIVE_INFINITY
  home = () => Promise.reject(new Error('out of reach'))
  held = new Set()
  listed = []
  timers = new Map()
  const kv = new Map<string, unknown>()
  const relay = {
    owners: [acme],
    store: {
      setSecretNumbers() {},
      listEndpoints: () => ({ data: listed.map((id) => ({ id })), nextCursor: null, positions: [] }),
    },
    commands: {
      async updateEndpoint(_ownerId: number, id: string, patch: EndpointPatch) {
        if (written.length >= fullAfter) throw new Error('the disk is full')
        written.push([id, patch])
        return null
      },
    },
  } as unknown as Relay
  copies = createCopies(
    {
      kv: {
        get: <T>(key: string) => kv.get(key) as T | undefined,
        put: (key, value) => void kv.set(key, value),
      },
      homeOf: () => ({ settings: () => home() }),
      held,
      timers: {
        after(ms, work) {
          timers.set(ms, work)
          return () => timers.delete(ms)
        },
      },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    },
    relay,
  )
})

const paused = (version: number, is: boolean): OwnerSettings => ({
  ...firstSettings,
  version,
  endpoints: { ep_1: { paused: is } },
})

it('a change that a shard could not write is written when it is sent again', async () => {
  fullAfter = 0
  await expect(copies.take('acme', paused(1, true))).rejects.toThrow('full')
  fullAfter = Number.POSITIVE_INFINITY
  await copies.take('acme', paused(1, true))
  expect(written).toEqual([['ep_1', { paused: true }]])
})

it('a change that was written in part is taken back by the next one', async () => {
  const other = { ep_2: { paused: true } }
  await copies.take('acme', paused(1, false))
  fullAfter = written.length + 1
  const both = { ...paused(2, true), endpoints: { ...paused(2, true).endpoints, ...other } }
  await expect(copies.take('acme', both)).rejects.toThrow('full')
  fullAfter = Number.POSITIVE_INFINITY
  await copies.take('acme', paused(3, false))
  expect(written.at(-1)).toEqual(['ep_1', { paused: false }])
})

it('of two changes that come together the newer one lasts', async () => {
  await copies.take('acme', paused(1, false))
  await Promise.all([copies.take('acme', paused(2, true)), copies.take('acme', paused(3, false))])
  expect(written.at(-1)).toEqual(['ep_1', { paused: false }])
})

it('a change that is older than the copy changes nothing', async () => {
  await copies.take('acme', paused(2, true))
  await copies.take('acme', paused(1, false))
  expect(written).toEqual([['ep_1', { paused: true }]])
})

it('what is missing holds its owner, and is asked for until it is there', async () => {
  listed = ['ep_9']
  await copies.fetchMissing()
  expect([...held]).toEqual([acme.id])
  expect(() => copies.assertKnown(acme.id)).toThrow()
  home = async () => paused(1, true)
  const [askAgain] = timers.values()
  askAgain?.()
  await vi.waitFor(() => expect(held.size).toBe(0))
  // The endpoints that it held are looked at anew.
  expect(written).toEqual([
    ['ep_1', { paused: true }],
    ['ep_9', {}],
  ])
  copies.assertKnown(acme.id)
})
