/** An owner's home that cannot be reached: only what is that owner's waits for it. */
import { env } from 'cloudflare:workers'
import { Webhook } from 'standardwebhooks'
import { beforeEach, expect, it, vi } from 'vitest'
import type { OwnerSettings } from '../../src/shards/settings.ts'
import { OwnerHome, RelayShard } from '../../src/worker.ts'
import { otherApiKey } from './bindings.ts'
import { json, newToken, openWorld, register, routerOver, runCron, until, type World } from './world.ts'

let world: World

beforeEach(() => {
  world = openWorld()
})

/** The home of the owner "other" answers so instead. */
function breakHome(answer: () => Promise<OwnerSettings>) {
  const { settings } = OwnerHome.prototype
  return vi.spyOn(OwnerHome.prototype, 'settings').mockImplementation(function (this: OwnerHome) {
    const { name } = (this as unknown as { ctx: DurableObjectState }).ctx.id
    return name === 'other' ? answer() : settings.call(this)
  })
}

const sentTo = (id: string) => world.received.find(({ subscriptionId }) => subscriptionId === id)

it('the other owners are served; its own deliveries wait and are signed as its home says', async () => {
  const router = routerOver('1:1')
  await env.HOMES.get(env.HOMES.idFromName('other')).change({ kind: 'rotate', overlapMs: 60_000 })
  const broken = breakHome(() => Promise.reject(new Error('out of reach')))
  const { id: held } = await register(router, newToken(), otherApiKey)
  const pending = () => json<{ data: unknown[] }>(router('GET', '/v1/deliveries', undefined, otherApiKey))
  await until(async () => (await pending()).data.length > 0)
  const { id: free } = await register(router)
  await until(() => sentTo(free))
  expect(sentTo(held)).toBeUndefined()
  expect((await router('GET', '/v1/signing-secret', undefined, otherApiKey)).status).toBe(503)

  broken.mockRestore()
  await runCron('1:1')
  await until(() => sentTo(held))
  const answer = await json<{ secrets: { secret: string }[] }>(
    router('GET', '/v1/signing-secret', undefined, otherApiKey),
  )
  expect(answer.secrets).toHaveLength(2)
  const { body, headers } = sentTo(held)!
  expect(new Webhook(answer.secrets[0]!.secret).verify(body, headers)).toMatchObject({
    type: 'task.encoding',
  })
})

it('a home that never answers does not keep a shard from starting', async () => {
  breakHome(() => new Promise(() => {}))
  const { id } = await register(routerOver('2:1'))
  await until(() => sentTo(id))
})

it('nor the cron from waking the shards', async () => {
  breakHome(() => new Promise(() => {}))
  const waking = vi.spyOn(RelayShard.prototype, 'wake')
  await runCron('3:2')
  expect(waking).toHaveBeenCalledTimes(2)
})
