/** Lists over several shards: every row once, in one order, page by page. */
import { beforeEach, describe, expect, it } from 'vitest'
import { otherApiKey } from './bindings.ts'
import { both, listAll, newest, type Page, tokenOf } from './several-shards.ts'
import { json, openWorld, register, type Subscription, until } from './world.ts'

beforeEach(() => {
  openWorld()
})

describe('a list', () => {
  it('overlooks a filter of another list, as one shard does', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => register(both)))
    const all = await json<Page<Subscription>>(
      both('GET', `/v1/subscriptions?subscription_id=${made[0]!.id}`),
    )
    expect(all.data.map(({ id }) => id)).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
    const tasks = await json<Page<Subscription>>(both('GET', `/v1/tasks?task_token=${made[0]!.task_token}`))
    expect(tasks.data.map((one) => one.task_token)).toEqual(
      expect.arrayContaining(made.map((one) => one.task_token)),
    )
  })
})

describe('lists', () => {
  it('have every row of every shard once, newest first', async () => {
    const made: string[] = []
    for (let i = 0; i < 12; i++) made.push((await register(both)).id)
    const listed = await listAll<Subscription & { created_at: string }>(both, '/v1/subscriptions', 5)
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(made))
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length)
    const times = listed.map(({ created_at: at }) => at)
    expect(times).toEqual([...times].sort().reverse())
    expect(Object.keys(await json(both('GET', '/v1/tasks')))).toEqual(['data', 'next_cursor'])
  })

  it.each(['/v1/subscriptions', '/v1/tasks'])(
    'show nothing on a later page of %s that was made after the first',
    async (path) => {
      const page = async (cursor = '') =>
        json<Page<{ task_token: string }>>(both('GET', `${path}?limit=1${cursor}`))
      const [older, newer, last] = [tokenOf(newest, 0), tokenOf(newest, 1), tokenOf(newest, 0)]
      for (const token of [older, newer]) {
        await register(both, token)
        const at = Date.now()
        await until(() => Date.now() > at)
      }
      const first = await page()
      await register(both, last)
      const second = await page(`&cursor=${first.next_cursor}`)
      expect([first, second].map(({ data }) => data[0]?.task_token)).toEqual([newer, older])
    },
  )

  it('refuse a cursor that is none of theirs', async () => {
    expect((await both('GET', '/v1/subscriptions?cursor=c1')).status).toBe(400)
    expect((await both('GET', '/v1/endpoints?cursor=c1')).status).toBe(400)
    for (let i = 0; i < 3; i++) await register(both)
    const { next_cursor: cursor } = await json<Page<unknown>>(both('GET', '/v1/subscriptions?limit=1'))
    expect((await both('GET', `/v1/tasks?cursor=${cursor}`)).status).toBe(400)
    expect((await both('GET', '/v1/subscriptions?limit=0')).status).toBe(400)
  })

  it.for(['/v1/subscriptions', '/v1/tasks', '/v1/deliveries', '/v1/endpoints'])(
    '%s refuse a limit and a cursor that are given twice',
    async (path) => {
      for (const name of ['limit', 'cursor']) {
        const response = await both('GET', `${path}?${name}=1&${name}=2`)
        expect(response.status).toBe(400)
        expect(await json(response)).toMatchObject({
          errors: [{ path: name, message: 'must be given once' }],
        })
      }
      expect((await both('GET', `${path}?other=1&other=2`)).status).toBe(200)
    },
  )

  it('show an owner nothing of another', async () => {
    await register(both)
    const page = await json<Page<unknown>>(both('GET', '/v1/subscriptions', undefined, otherApiKey))
    expect(page.data).toEqual([])
  })
})
