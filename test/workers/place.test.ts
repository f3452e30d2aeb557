/** What each shard may do of what is allowed in total. */
import { expect, it } from 'vitest'
import { allPlaces, type Generation } from '../../src/shards/places.ts'
import type { EndpointState } from '../../src/store/endpoints.ts'
import { shareOfEndpoint, sharersOf } from '../../src/worker/place.ts'

const endpoint = { maxConcurrency: 8, maxPerSecond: 12 } as EndpointState

function sharesOver(shards: Generation[]): EndpointState[] {
  return allPlaces(shards).map((place) => shareOfEndpoint(endpoint, sharersOf(shards, place)))
}

function perSecond(shares: readonly EndpointState[]): number {
  return shares.reduce((sum, { maxPerSecond }) => sum + (maxPerSecond ?? 0), 0)
}

it('the shards of one generation together send as many a second as the owner allowed', () => {
  expect(perSecond(sharesOver([{ generation: 1, shards: 5 }]))).toBeCloseTo(12)
})

it('the shards of two generations, while both are listed, send no more than that', () => {
  const shares = sharesOver([
    { generation: 2, shards: 4 },
    { generation: 1, shards: 2 },
  ])
  expect(perSecond(shares)).toBeCloseTo(12)
  expect(shares.map(({ maxConcurrency }) => maxConcurrency)).toEqual([2, 2, 2, 2, 4, 4])
})
