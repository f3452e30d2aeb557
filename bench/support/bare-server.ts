/** What registering costs without a database: Hono and valibot (a smaller schema than the relay's), an id, an answer. */
import { randomUUID } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { safeParse } from 'valibot'
import { registrationSchema } from './registration-schema.ts'

const app = new Hono()
const answer = (body: unknown) => {
  const parsed = safeParse(registrationSchema, body)
  return parsed.success ? { id: randomUUID(), ...parsed.output } : null
}
app.post('/v1/subscriptions', async (c) => {
  const subscription = answer(await c.req.json())
  return subscription === null ? c.json({ code: 'invalid_request' }, 400) : c.json(subscription, 201)
})
app.post('/v1/subscriptions/batch', async (c) => {
  const { subscriptions } = (await c.req.json()) as { subscriptions: unknown[] }
  return c.json({ results: subscriptions.map((one) => ({ status: 201, subscription: answer(one) })) })
})
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.send?.({ url: `http://127.0.0.1:${port}` })
})
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  server.close(() => process.exit(0))
})
