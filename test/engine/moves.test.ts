/** What a PATCH does to deliveries that are read ahead or under way: CONTRACT §4.1, §4.2 and the limits of §4.5. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import type { SubscriptionPatch } from '../../src/store/records.ts'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  hour,
  minute,
  newToken,
  openWorld,
  patchEndpoint,
  second,
  sendTest,
  timedOut,
} from './world.ts'

const elsewhere = 'https://new.example.com'

async function patch(world: EngineWorld, { id }: { id: string }, changes: SubscriptionPatch): Promise<void> {
  const { commands } = world.relay()
  expect(await world.after(commands.updateSubscription(world.ownerId, id, changes))).toMatchObject({
    kind: 'updated',
  })
}

/** Subscriptions whose tasks go through these statuses side by side, so that their deliveries lie interleaved. */
async function subscribed(world: EngineWorld, count: number, statuses: readonly string[]) {
  const tokens = Array.from({ length: count }, newToken)
  const made = []
  for (const taskToken of tokens) {
    world.statuses.set(taskToken, { status: statuses[0] })
    made.push(await world.register({ taskToken }))
    await world.run(second)
  }
  for (const status of statuses.slice(1)) for (const token of tokens) await world.change(token, { status })
  return made
}

/** An answer that the test gives. */
function heldAnswers(world: EngineWorld): ((outcome: Outcome) => void)[] {
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  return answers
}

it('4.2 a queue that was paused and resumed while it was read ahead keeps its order', async () => {
  const world = openWorld()
  await world.register()
  await world.run(second)
  await patchEndpoint(world, { paused: true, maxPerSecond: 1 })
  const statuses = ['queued', 'processing', 'encoding', 'saving']
  const [one, held, other] = await subscribed(world, 3, statuses)
  world.sent.length = 0
  await patchEndpoint(world, { paused: false })
  // One goes out in each second, and what follows it is in the list by now.
  expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toEqual([one!.id])
  await patch(world, held!, { state: 'paused' })
  await world.run(1_100)
  await patch(world, held!, { state: 'active' })
  await world.run(minute)
  for (const subscription of [held, other]) {
    const seqs = world.sent
      .filter(({ subscriptionId }) => subscriptionId === subscription!.id)
      .map(({ seq }) => seq)
    expect(seqs).toEqual([1, 2, 3, 4])
  }
})

it.each([
  ['times out', timedOut],
  ['is accepted', accepted],
])(
  '4.1 what waits goes on at its new endpoint when the attempt under way at the old one %s',
  async (_how, outcome) => {
    const world = openWorld()
    const answers = heldAnswers(world)
    const [made] = await subscribed(world, 1, ['queued', 'encoding'])
    expect(world.sent).toHaveLength(1)
    await patch(world, made!, { callbackUrl: `${elsewhere}/hook` })
    await world.run(second)
    world.receiver.answer = () => accepted
    answers[0]!(outcome)
    await world.run(hour)
    expect(world.deliveries(made!).map(({ state }) => state)).toEqual(['delivered', 'delivered'])
    expect(world.sent.at(-1)).toMatchObject({ type: 'task.encoding', url: `${elsewhere}/hook` })
  },
)

it('4.5 what moved to a paused endpoint waits there, also what the old one had read ahead', async () => {
  const world = openWorld()
  await world.register({ callbackUrl: `${elsewhere}/first` })
  await world.run(second)
  await patchEndpoint(world, { paused: true }, elsewhere)
  const answers = heldAnswers(world)
  const [made] = await subscribed(world, 1, ['queued', 'encoding', 'saving'])
  world.sent.length = 0
  await patch(world, made!, { callbackUrl: `${elsewhere}/hook` })
  world.receiver.answer = () => accepted
  answers[0]!(accepted)
  await world.run(minute)
  expect(world.sent).toEqual([])
  await patchEndpoint(world, { paused: false }, elsewhere)
  await world.run(second)
  expect(world.sent.map(({ type }) => type)).toEqual(['task.encoding', 'task.saving'])
})

it('4.5 what an endpoint that is paused held is not given up by the one that it moves to', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1m,10m' })
  const made = await world.register()
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  await world.change(made.taskToken, { status: 'saving' })
  world.receiver.answer = () => timedOut
  // Enough that some wait for probes all the time.
  for (let n = 0; n < 40; n++) await world.register({ callbackUrl: `${elsewhere}/hook` })
  await world.run(10 * minute)
  for (let n = 0; n < 40; n++) await world.register({ callbackUrl: `${elsewhere}/hook` })
  await world.run(10 * minute)
  expect(world.endpoint(elsewhere).state).toBe('failing')
  await patch(world, made, { callbackUrl: `${elsewhere}/hook` })
  await world.run(minute)
  expect(world.deliveries(made).at(-1)).toMatchObject({ type: 'task.saving', state: 'pending' })
  world.receiver.answer = () => accepted
  await world.run(6 * minute)
  expect(world.deliveries(made).at(-1)).toMatchObject({ state: 'delivered' })
})

it.each([
  ['the new endpoint', `${elsewhere}/hook`],
  ['the same endpoint', 'https://app.example.com/new'],
])(
  '4.2 what was withheld as its queue moved goes before what %s had read ahead',
  async (_name, callbackUrl) => {
    const world = openWorld()
    world.receiver.answer = async ({ isWanted, url }) => {
      // The new endpoint has an attempt under way until then, so its lane and its list stay.
      await world.later(url === `${elsewhere}/first` ? minute : 20 * second, null)
      return isWanted() ? accepted : null
    }
    await world.register({ callbackUrl: `${elsewhere}/first` })
    await world.run(second)
    const [made] = await subscribed(world, 1, ['queued', 'encoding'])
    await patch(world, made!, { callbackUrl })
    await world.run(3 * minute)
    const arrived = world.deliveries(made!).map(({ attemptLog }) => attemptLog[0]?.at)
    expect(arrived).toEqual([...arrived].sort())
    expect(world.sent.filter(({ url }) => url === callbackUrl).map(({ seq }) => seq)).toEqual([1, 2])
  },
)

it('3 a test to an endpoint whose circuit is open goes out once what is under way elsewhere has landed', async () => {
  const world = openWorld()
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = ({ url }) =>
    url.startsWith(elsewhere) ? timedOut : new Promise((resolve) => answers.push(resolve))
  for (let n = 0; n < 40; n++) await world.register({ callbackUrl: `${elsewhere}/first` })
  const made = await world.register()
  await world.run(second)
  expect(answers).toHaveLength(1)
  // Its next probe is minutes away.
  const probes = () => world.sent.filter(({ url }) => url.startsWith(elsewhere)).length
  while (world.elapsed() < 20 * minute) await world.run(second)
  const probed = probes()
  while (probes() === probed) await world.run(second)
  await patch(world, made, { callbackUrl: `${elsewhere}/hook` })
  await sendTest(world, made.id)
  await world.run(second)
  const before = world.sent.length
  answers[0]!(accepted)
  await world.run(second)
  expect(world.sent.slice(before).map(({ type }) => type)).toEqual(['pollhook.test'])
})

it('4.5 the only one that waits at an endpoint whose circuit is open is its probe once what is under way elsewhere has landed', async () => {
  const world = openWorld()
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = ({ url }) =>
    url.startsWith(elsewhere) ? timedOut : new Promise((resolve) => answers.push(resolve))
  const { commands } = world.relay()
  for (const { id } of await completeTasks(world, 12, `${elsewhere}/first`)) {
    await world.run(minute)
    await world.after(commands.cancelSubscription(world.ownerId, id))
  }
  const made = await world.register()
  await world.run(second)
  await world.change(made.taskToken, { status: 'saving' })
  await patch(world, made, { callbackUrl: `${elsewhere}/hook` })
  await world.run(10 * minute)
  expect(world.endpoint(elsewhere)).toMatchObject({ state: 'failing', backlog: 2 })
  const before = world.sent.length
  world.receiver.answer = () => accepted
  answers[0]!(accepted)
  await world.run(second)
  expect(world.sent.slice(before)).toMatchObject([{ type: 'task.saving', url: `${elsewhere}/hook` }])
})
