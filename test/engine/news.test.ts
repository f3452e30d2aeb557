/** Which answers are news, and that nothing else is written. */
import { expect, it } from 'vitest'
import { minute, newToken, openWorld, second, types } from './world.ts'

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
