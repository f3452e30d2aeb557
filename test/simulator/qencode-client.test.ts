/** Qencode's own Node client, unchanged, creates a job and polls it to its end. */
import { createRequire } from 'node:module'
import { afterEach, expect, test } from 'vitest'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { simulator } from './support.ts'

interface ClientTask {
  taskToken: string
  statusUrl: string
  StartCustom(params: object, payload?: string | null): Promise<unknown>
  GetStatus(): Promise<Record<string, unknown>>
}

interface Client {
  AccessToken: string
  CreateTask(): Promise<ClientTask>
}

// CommonJS without types; its constructor returns a promise.
const QencodeApiClient = createRequire(import.meta.url)('qencode-api') as new (
  options: object,
) => Promise<Client>

let sim: Simulator
afterEach(() => sim.close())

const params = { source: 'https://example.com/film.mp4', format: [{ output: 'mp4', size: '854x480' }] }

test('a job is created, started and followed to completed', async () => {
  const made = await simulator()
  sim = made.sim
  const client = await new QencodeApiClient({ key: 'simulated-key', endpoint: sim.url })
  const task = await client.CreateTask()
  await task.StartCustom(params, 'my payload')
  expect(sim.masters.map((origin) => `${origin}/v1/status`)).toContain(task.statusUrl)

  const seen: unknown[] = []
  let status = await task.GetStatus()
  for (let polls = 0; polls < 200 && status.status !== 'completed'; polls++) {
    if (seen.at(-1) !== status.status) seen.push(status.status)
    made.advance(1_000)
    status = await task.GetStatus()
  }
  expect(seen).toEqual(['downloading', 'queued', 'encoding', 'saving'])
  expect(status).toMatchObject({ status: 'completed', percent: 100 })
  expect(status.videos).toHaveLength(2)
})

test('a client whose session ended opens a new one', async () => {
  const made = await simulator()
  sim = made.sim
  const client = await new QencodeApiClient({ key: 'simulated-key', endpoint: sim.url })
  const first = client.AccessToken
  made.advance(25 * 3_600_000)
  const task = await client.CreateTask()
  expect(task.taskToken).toMatch(/^[a-f0-9]{32}$/)
  expect(client.AccessToken).not.toBe(first)
})

test('a client that asks a master which does not know the task gets it from the API host', async () => {
  const made = await simulator()
  sim = made.sim
  const client = await new QencodeApiClient({ key: 'simulated-key', endpoint: sim.url })
  const task = await client.CreateTask()
  await task.StartCustom(params)
  const own = task.statusUrl
  task.statusUrl = `${sim.masters.find((origin) => !own.startsWith(origin))}/v1/status`
  expect(await task.GetStatus()).toMatchObject({ status: 'downloading' })
  expect(task.statusUrl).toBe(own)
})
