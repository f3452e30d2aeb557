/** A shard's place in its name, and its share of what the configuration allows in total. */
import type { Config } from '../config.ts'
import type { Place } from '../core/ids.ts'
import { allPlaces, type Generation } from '../shards/places.ts'
import type { EndpointState } from '../store/endpoints.ts'

/**
 * Six connections of an object may wait for headers (DESIGN §4), and a call that waits for one has its time-out running:
 * half of them are for the API host, so that masters that say nothing do not keep it from being asked.
 */
const callsMax = 3

export function placeName({ generation, shard }: Place): string {
  return `${generation}:${shard}`
}

/** @throws for an object that was not named by `placeName` */
export function parsePlace(name: string | undefined): Place {
  const match = /^(\d{1,4}):(\d{1,4})$/.exec(name ?? '')
  if (match === null) throw new Error(`"${name}" is not the name of a shard`)
  return { generation: Number(match[1]), shard: Number(match[2]) }
}

/** How many shards share what is allowed in total: those of the same generation, and those of all that are listed. */
export interface Sharers {
  beside: number
  all: number
}

export function sharersOf(generations: readonly Generation[], place: Place): Sharers {
  const beside = generations.find(({ generation }) => generation === place.generation)?.shards ?? 1
  return { beside, all: allPlaces(generations).length }
}

/** Concurrency and quota are divided by the number of shards of the generation, rounded up (DESIGN §5). */
export function shareOf(config: Config, place: Place): Config {
  const { beside } = sharersOf(config.shards, place)
  const share = (total: number) => Math.ceil(total / beside)
  return {
    ...config,
    ownerQuota: share(config.ownerQuota),
    poll: {
      ...config.poll,
      concurrency: Math.min(share(config.poll.concurrency), callsMax),
      mastersConcurrency: callsMax,
    },
    delivery: {
      ...config.delivery,
      concurrency: share(config.delivery.concurrency),
      endpointConcurrency: share(config.delivery.endpointConcurrency),
    },
  }
}

/**
 * The same for what an owner set for an endpoint. A rate is divided exactly, and by the shards of all generations: the
 * receiver is sent no more than its owner allowed, on average: each shard may begin with one (docs/deploy-workers.md).
 */
export function shareOfEndpoint(endpoint: EndpointState, { beside, all }: Sharers): EndpointState {
  const { maxConcurrency, maxPerSecond } = endpoint
  return {
    ...endpoint,
    maxConcurrency: maxConcurrency === null ? null : Math.ceil(maxConcurrency / beside),
    maxPerSecond: maxPerSecond === null ? null : maxPerSecond / all,
  }
}
