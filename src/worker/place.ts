/** A shard's place in its name, and its share of what the configuration allows in total. */
import type { Config } from '../config.ts'
import type { Place } from '../core/ids.ts'
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

/** How many shards share what the configuration allows in total. */
export function shardsBeside(config: Config, place: Place): number {
  return config.shards.find(({ generation }) => generation === place.generation)?.shards ?? 1
}

/** Concurrency and quota are divided by the number of shards, rounded up (DESIGN §5). */
export function shareOf(config: Config, place: Place): Config {
  const shards = shardsBeside(config, place)
  const share = (total: number) => Math.ceil(total / shards)
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
 * The same for what an owner set for an endpoint. A rate is divided exactly: the receiver is never sent more
 * than its owner allowed.
 */
export function shareOfEndpoint(endpoint: EndpointState, shards: number): EndpointState {
  const { maxConcurrency, maxPerSecond } = endpoint
  return {
    ...endpoint,
    maxConcurrency: maxConcurrency === null ? null : Math.ceil(maxConcurrency / shards),
    maxPerSecond: maxPerSecond === null ? null : maxPerSecond / shards,
  }
}
