/** CONTRACT §5.5, §5.6: which answers are news, and that nothing else is written. */
import { expect, it } from 'vitest'
import { callsFor } from './upstream.ts'
import { apiOrigin, hour, masterOrigin, minute, newToken, openWorld, second, types } from './world.ts'

it('a poll that changes nothing writes nothing, and a snapshot that cannot be written fails alone', async () => {
  let writes = 0
  let refuse: string | null = null
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        recordPoll(results, ...rest) {
          writes++
          if (results.some(({ token }) => token === refuse)) throw new Error('string or blob too big')
          return store.recordPoll(results, ...rest)
        },
      }),
    },
  )
  const tokens = [newToken(), newToken(), newToken()]
  await Promise.all(tokens.map((taskToken) => world.register({ taskToken })))
  await world.run(second)
  const before = writes
  await world.run(5 * minute)
  expect(writes).toBe(before)
  refuse = tokens[1]!
  for (const token of tokens) world.statuses.set(token, { status: 'completed' })
  await world.run(2 * minute)
  expect(types(world).filter((type) => type === 'task.completed')).toHaveLength(2)
  refuse = null
  await world.run(2 * minute)
  expect(types(world).filter((type) => type === 'task.completed')).toHaveLength(3)
})

it('a missing key, "None" and null are no change', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: '42.5' })
  await world.register({ taskToken })
  await world.run(second)
  for (const entry of [{}, { status: 'None', percent: null }, { percent: 'None' }]) {
    await world.change(taskToken, entry)
  }
  await world.run(second)
  expect(types(world)).toEqual(['task.encoding'])
  expect(JSON.parse(world.sent[0]!.request.body).data.percent).toBe(42.5)
})

it('a step back is believed only when two answers in a row say so, and then the second is taken', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: 50 })
  await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'queued', percent: 0 })
  await world.change(taskToken, { status: 'encoding', percent: 60 })
  await world.run(second)
  expect(types(world)).toEqual(['task.encoding', 'task.progress'])
  await world.change(taskToken, { status: 'encoding', percent: 30 })
  const first = callsFor(world, taskToken).at(-1)!.at
  await world.change(taskToken, { status: 'encoding', percent: 20 })
  await world.run(second)
  expect(callsFor(world, taskToken).at(-1)!.at - first).toBeLessThan(10 * second)
  expect(JSON.parse(world.sent.at(-1)!.request.body).data).toMatchObject({
    percent: 20,
    previous: { percent: 60 },
  })
})

it('two smaller percents in a row are believed, be the first within its step', async () => {
  const world = openWorld()
  const said = [42.5, 42.4, 30, 50]
  world.upstream.answer = (_, tokens) => {
    const percent = said.length > 1 ? said.shift() : said[0]
    return { kind: 'statuses', statuses: new Map([[tokens[0]!, { status: 'encoding', percent }]]) }
  }
  const one = await world.register()
  await world.run(5 * minute)
  expect(world.deliveries(one).map(({ body }) => JSON.parse(body).data.percent)).toEqual([42.5, 30, 50])
})

it('a percent that falls within its step is asked for soon once, then no more often than one that stays', async () => {
  const world = openWorld()
  const [falls, stays] = [newToken(), newToken()]
  for (const taskToken of [falls, stays]) {
    world.statuses.set(taskToken, { status: 'encoding', percent: 42.5 })
    await world.register({ taskToken })
  }
  await world.run(minute)
  world.statuses.set(falls, { status: 'encoding', percent: 42.4 })
  const before = callsFor(world, falls).length - callsFor(world, stays).length
  await world.run(hour)
  const more = callsFor(world, falls).length - callsFor(world, stays).length - before
  expect([0, 1]).toContain(more)
})

it('a status that was nothing new is looked at again for a subscription that wants finer steps', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: 41 })
  await world.register({ taskToken, percentStep: 50 })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding', percent: 47 })
  await world.run(10 * second)
  const finer = await world.register({ taskToken, percentStep: 1, callbackUrl: 'https://app.example.com/2' })
  await world.run(30 * second)
  expect(world.deliveries(finer).map(({ type, body }) => [type, JSON.parse(body).data.percent])).toEqual([
    ['task.encoding', 41],
    ['task.progress', 47],
  ])
})

it('answers that arrive together share one commit, of which each task keeps what is its own', async () => {
  const commits: number[] = []
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        recordPoll(results, ...rest) {
          commits.push(results.length)
          return store.recordPoll(results, ...rest)
        },
      }),
    },
  )
  const made = [await world.register(), await world.register({ statusUrl: `${masterOrigin}/v1/status` })]
  await world.run(second)
  expect(world.calls.map(({ origin }) => origin)).toEqual([masterOrigin, apiOrigin])
  expect(commits).toEqual([2])
  for (const one of made) expect(world.deliveries(one)).toMatchObject([{ type: 'task.encoding', seq: 1 }])
})
