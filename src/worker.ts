export { Deliverer } from './worker/deliverer.ts'
export { RelayShard } from './worker/shard.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return env.SHARDS.get(env.SHARDS.idFromName('1:0')).fetch(request)
  },
} satisfies ExportedHandler<Env>
