/** Registering: equal options, the quota, and what a known task tells at once (CONTRACT §2). */
import { expect, it } from 'vitest'
import { inputOf, noQuota, type OnEmptyDatabase, openWorld, start } from './fixture.ts'

export function subscribeSuite(on: OnEmptyDatabase): void {
  it('the same owner, token and URL with equal options is the subscription that is there', () =>
    on((empty) => {
      const { store, acme, other, newToken } = openWorld(empty)
      const input = { ...inputOf(acme, newToken()), events: ['task.failed', 'task.*'], secret: 'whsec_a' }
      const again = {
        ...input,
        events: ['task.*', 'task.failed', 'task.*'],
        statusUrl: 'https://m/v1/status',
      }
      const others = [
        { ...input, percentStep: 2 },
        { ...input, metadata: { job: '7' } },
        { ...input, secret: null },
        { ...input, secret: 'whsec_b' },
        { ...input, expiresInMs: 1_000 },
        { ...input, events: ['task.*'] },
      ]
      const apart = [
        { ...input, callbackUrl: 'https://app.example.com/hooks?2' },
        { ...input, ownerId: other },
        { ...input, taskToken: newToken() },
      ]
      const { results } = store.subscribe([input, again, ...others, ...apart], start, noQuota)
      const [first, second] = results
      expect(first?.kind).toBe('created')
      expect(second).toMatchObject({ kind: 'existing', subscription: { statusUrl: 'https://m/v1/status' } })
      expect(results.map(({ kind }) => kind).slice(2)).toEqual([
        ...others.map(() => 'subscription_exists'),
        ...apart.map(() => 'created'),
      ])
    }))

  it('the quota stops what would be made, not what is there already', () =>
    on((empty) => {
      const world = openWorld(empty)
      const input = inputOf(world.acme, world.newToken())
      const made: number[] = []
      const claims = { exceeded: () => (made.length < 1 ? null : 1), made: (id: number) => made.push(id) }
      const { results } = world.store.subscribe(
        [input, { ...input, taskToken: world.newToken() }, input],
        start,
        claims,
      )
      expect(results.map(({ kind }) => kind)).toEqual(['created', 'quota_exceeded', 'existing'])
      expect(made).toEqual([world.acme])
      expect(world.store.countOpen(world.acme)).toBe(1)
      expect(world.store.countOpen(world.other)).toBe(0)
    }))

  it('what ended is no twin, and does not count', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.store.cancelSubscription(world.acme, id, start)
      expect(world.store.countOpen(world.acme)).toBe(0)
      expect(world.store.watchesOf([taskToken]).size).toBe(0)
      const again = world.subscribe({ taskToken })
      expect(again.id).not.toBe(id)
      expect(world.store.watchesOf([taskToken]).size).toBe(1)
    }))

  it('a known task gives its state at once, under its last seq', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.poll(taskToken, { status: 'encoding', percent: 7 })
      world.subscribe({ taskToken, callbackUrl: 'https://two.example.com/' })
      const body = JSON.parse(world.rows().at(-1)!.body)
      expect(body).toMatchObject({
        type: 'task.encoding',
        data: { seq: 2, status: 'encoding', percent: 7, previous: null },
      })
    }))

  it('within one commit too, whether the task was known before or is made by it', () =>
    on((empty) => {
      const { store, acme, other, newToken } = openWorld(empty)
      const input = inputOf(acme, newToken())
      const elsewhere = { ...input, callbackUrl: 'https://two.example.com/' }
      const kinds = (inputs: (typeof input)[]) =>
        store.subscribe(inputs, start, noQuota).results.map(({ kind }) => kind)
      const all = [input, input, elsewhere, { ...input, percentStep: 2 }, { ...input, ownerId: other }]
      const expected = ['created', 'existing', 'created', 'subscription_exists', 'created']
      expect(kinds(all)).toEqual(expected)
      expect(kinds(all.map((one) => ({ ...one, callbackUrl: `${one.callbackUrl}/again` })))).toEqual(expected)
      expect(kinds([input, elsewhere])).toEqual(['existing', 'existing'])
      const [{ id } = { id: '' }] = store.listSubscriptions(acme, {
        ...{ limit: 1, cursor: null },
        callbackUrl: input.callbackUrl,
      }).data
      store.cancelSubscription(acme, id, start)
      expect(kinds([input, input])).toEqual(['created', 'existing'])
    }))

  it('foreign ids are not found, by any verb', () =>
    on((empty) => {
      const { store, subscribe, acme, other } = openWorld(empty)
      const { id } = subscribe()
      for (const [owner, name] of [
        [other, id],
        [acme, `${id}0`],
        [acme, id.slice(0, -1)],
        [acme, 'sub_'],
      ] as const) {
        expect(store.subscription(owner, name)).toBeNull()
        expect(store.cancelSubscription(owner, name, start)).toBeNull()
        expect(store.sendTest(owner, name, start).result.kind).toBe('not_found')
        expect(store.updateSubscription(owner, name, {}, start).result.kind).toBe('not_found')
      }
      expect(store.subscription(acme, id)?.state).toBe('active')
    }))
}
