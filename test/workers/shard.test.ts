/** One Durable Object as a whole relay: the promise holds over crashes and evictions, in real workerd. */
import { abortAllDurableObjects, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import { call, json, newToken, openWorld, register, signingSecrets, until, type World } from './world.ts'

let world: World

beforeEach(async () => {
  world = openWorld()
})

const path = ['queued', 'encoding', 'saving', 'completed']
const shard = () => env.SHARDS.get(env.SHARDS.idFromName('1:0'))

/** In a shard that goes on with the tasks of other tests. */
const receivedOf = (token: string) => world.received.filter((one) => one.token === token)

it('tells a task from its registration to its end, in order and signed', async () => {
  world.verifyWith(...(await signingSecrets()))
  world.statusOf = (_token, asked) => ({ status: path[Math.min(asked - 1, 3)] })
  const token = newToken()
  await register(call, token)
  await until(() => receivedOf(token).some(({ type }) => type === 'task.completed'))
  expect(receivedOf(token).map(({ type }) => type)).toEqual(path.map((status) => `task.${status}`))
  expect(receivedOf(token).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  expect(receivedOf(token).every(({ verified }) => verified)).toBe(true)
})

it('goes on by its alarm after a crash', async () => {
  world.verifyWith(...(await signingSecrets()))
  let done = false
  world.statusOf = () => ({ status: done ? 'completed' : 'encoding' })
  const token = newToken()
  await register(call, token)
  await until(() => receivedOf(token).some(({ type }) => type === 'task.encoding'))
  await abortAllDurableObjects()
  done = true
  expect(await runDurableObjectAlarm(shard())).toBe(true)
  await until(() => receivedOf(token).some(({ type }) => type === 'task.completed'))
  const firsts = new Map(receivedOf(token).map((one) => [one.id, one.type]))
  expect([...firsts.values()]).toEqual(['task.encoding', 'task.completed'])
})

it('starts no request after a DELETE was answered, also none that was on its way to its connection', async () => {
  let connected: (() => void) | null = null
  world.connect = (signal) =>
    new Promise((resolve, reject) => {
      connected = resolve
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const { id } = await register(call)
  await until(() => connected !== null)
  expect((await call('DELETE', `/v1/subscriptions/${id}`)).status).toBe(204)
  connected!()
  world.connect = async () => {}
  const other = await register(call)
  await until(() => world.received.some(({ subscriptionId }) => subscriptionId === other.id))
  expect(world.received.filter(({ subscriptionId }) => subscriptionId === id)).toEqual([])
  const { data } = await json<{ data: object[] }>(call('GET', `/v1/deliveries?subscription_id=${id}`))
  expect(data).toMatchObject([{ state: 'cancelled', state_reason: 'requested', attempts: 0 }])
})
