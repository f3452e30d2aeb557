/** Pollhook on Cloudflare Workers: a thin router over shards, each a Durable Object with a whole relay. */
import { within } from './core/within.ts'
import { runtimeTimers } from './net/timers.ts'
import { answer } from './worker/dashboard.ts'
import { fleetOf } from './worker/fleet.ts'

export { Deliverer } from './worker/deliverer.ts'
export { OwnerHome } from './worker/home.ts'
export { RelayShard } from './worker/shard.ts'

/** Shards are woken while a home is silent, too. */
const homeMsMax = 2_000

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return answer(fleetOf(env), request)
  },

  /** Whatever became of its alarm, every shard is woken, and told which settings are the newest. */
  async scheduled(_controller: ScheduledController, env: Env): Promise<void> {
    const { config, places, shard, log } = fleetOf(env)
    const owners = [...new Set(config.apiKeys.map(({ owner }) => owner))]
    const settled = await Promise.allSettled(
      owners.map(async (owner) => {
        const home = env.HOMES.get(env.HOMES.idFromName(owner))
        const settings: Promise<{ version: number }> = home.settings()
        const { version } = await within(runtimeTimers, homeMsMax, settings, () => {
          throw new Error(`the home of ${owner} did not answer within ${homeMsMax} ms`)
        })
        return [owner, version] as const
      }),
    )
    const versions = Object.fromEntries(
      settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    )
    const woken = await Promise.allSettled(places.map((place) => shard(place).wake(versions)))
    for (const one of [...settled, ...woken]) {
      if (one.status === 'rejected') log.error('the cron could not reach an object', { error: one.reason })
    }
  },
} satisfies ExportedHandler<Env>
