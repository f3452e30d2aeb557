import { describe, expect, it } from 'vitest'
import {
  deliveryRecord,
  endpointRecord,
  key,
  subscriptionRecord,
  taskRecord,
  token,
} from '../http/support.ts'
import { openDashboard, origin, otherKey, withCookie } from './support.ts'

const pages = [
  '/dashboard/tasks',
  `/dashboard/tasks/${token}`,
  '/dashboard/deliveries',
  '/dashboard/deliveries/dlv_1',
  '/dashboard/endpoints',
  '/dashboard/register',
  '/dashboard/no-such-page',
]
const forms = [
  '/dashboard/login',
  '/dashboard/logout',
  '/dashboard/register',
  '/dashboard/register/curl',
  '/dashboard/deliveries/dlv_1/redeliver',
  '/dashboard/subscriptions/sub_1/test',
  '/dashboard/subscriptions/sub_1/pause',
  '/dashboard/subscriptions/sub_1/resume',
  '/dashboard/subscriptions/sub_1/cancel',
  '/dashboard/endpoints/ep_1/pause',
  '/dashboard/endpoints/ep_1/resume',
  '/dashboard/endpoints/ep_1/limits',
]

describe.each(pages)('%s', (path) => {
  it('has a strict policy, and is kept by no cache and in no frame', async () => {
    const { get } = await openDashboard().reader()
    const { headers } = await get(path)
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-request-id')).toBe('req_dashboard')
  })

  it('has nothing inline and nothing from elsewhere', async () => {
    const { text } = await openDashboard().reader()
    const page = await text(path)
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?! src="\/dashboard\/)/)
    expect(page).not.toMatch(/(?:src|href|action)="(?![/#])/)
  })
})

describe.each(forms)('POST %s', (path) => {
  it.each([
    ['from another site', { origin: 'https://evil.example' }],
    ['that the browser calls cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['from a sandbox', { origin: 'null' }],
  ])('is refused %s', async (_from, headers) => {
    const { logged, reader } = openDashboard()
    const { post } = await reader()
    const before = logged.length
    const response = await post(path, { key }, headers as Record<string, string>)
    expect(response.status).toBe(403)
    expect(response.headers.get('set-cookie')).toBeNull()
    // Its own line and none of the API: nothing was called.
    expect(logged.slice(before).map(({ fields }) => fields.status)).toEqual([403])
  })

  it('is refused as text, which needs no consent of this site either', async () => {
    const { request, reader } = openDashboard()
    const { cookie } = await reader()
    const headers = { cookie, origin: 'https://evil.example', 'content-type': 'text/plain' }
    expect((await request(path, { method: 'POST', headers, body: 'x' })).status).toBe(403)
  })
})

it('takes a form from a program, which says nothing of where it comes from', async () => {
  const { post } = await openDashboard().reader()
  expect((await post('/dashboard/endpoints/ep_1/pause', {}, {})).status).toBe(303)
})

it('takes a form of the same host behind a proxy that ends TLS', async () => {
  const { post } = await openDashboard().reader()
  const headers = { origin: origin.replace('http:', 'https:') }
  expect((await post('/dashboard/endpoints/ep_1/pause', {}, headers)).status).toBe(303)
})

it('refuses a form of more than 64 KiB', async () => {
  const { post } = await openDashboard().reader()
  expect((await post('/dashboard/register', { metadata: 'x'.repeat(65_536) })).status).toBe(413)
})

it('refuses what is no form, or breaks off, without an error in the log', async () => {
  const { request, logged } = openDashboard()
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
  const form = 'application/x-www-form-urlencoded'
  for (const [body, type] of [
    ['--x', 'multipart/form-data; boundary=x'],
    ['{}', 'application/json'],
    [broken, form],
  ] as const) {
    const init = { method: 'POST', headers: { origin, 'content-type': type }, body, duplex: 'half' }
    const response = await request('/dashboard/login', init as RequestInit)
    expect([type, response.status]).toEqual([type, 400])
  }
  expect(logged.filter(({ level }) => level === 'error')).toEqual([])
})

it('shows an owner nothing of another one', async () => {
  const overrides = {
    queries: {
      task: (owner: number) => (owner === 1 ? taskRecord : null),
      delivery: (owner: number) => (owner === 1 ? deliveryRecord : null),
    },
    commands: {
      redeliver: async (owner: number) =>
        owner === 1
          ? ({ kind: 'queued', delivery: deliveryRecord } as const)
          : ({ kind: 'not_found' } as const),
      updateEndpoint: async (owner: number) => (owner === 1 ? endpointRecord : null),
    },
  }
  const { reader } = openDashboard({ overrides })
  const acme = await reader()
  const other = await reader(otherKey)
  for (const path of [`/dashboard/tasks/${token}`, '/dashboard/deliveries/dlv_1']) {
    expect((await acme.get(path)).status).toBe(200)
    expect((await other.get(path)).status).toBe(404)
  }
  expect((await other.get(`/dashboard/tasks/${token}/events`)).status).toBe(404)
  expect((await other.post('/dashboard/deliveries/dlv_1/redeliver')).status).toBe(404)
  expect((await other.post('/dashboard/endpoints/ep_1/pause')).status).toBe(404)
})

it('escapes whatever receivers, upstream and owners wrote', async () => {
  const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&`
  const { text, get } = await openDashboard({
    overrides: {
      queries: {
        task: () => ({
          ...taskRecord,
          status: evil,
          error: { code: 1, description: evil },
          resultJson: JSON.stringify({ [evil]: evil }),
          transitions: [{ seq: 1, type: evil, status: evil, percent: 1, at: 0 }],
        }),
        listTasks: () => ({ data: [{ ...taskRecord, status: evil }], nextCursor: evil, positions: [] }),
        listSubscriptions: () => ({
          data: [{ ...subscriptionRecord, callbackUrl: evil, metadata: { [evil]: evil }, events: [evil] }],
          nextCursor: null,
          positions: [],
        }),
        delivery: () => ({
          ...deliveryRecord,
          callbackUrl: evil,
          stateReason: evil as never,
          body: JSON.stringify({ data: { metadata: { [evil]: evil } } }),
          attemptLog: [
            {
              ...deliveryRecord.attemptLog[0]!,
              responseBody: evil,
              errorCode: evil as never,
              statusCode: null,
            },
          ],
        }),
        listEndpoints: () => ({
          data: [{ ...endpointRecord, origin: evil }],
          nextCursor: null,
          positions: [],
        }),
      },
    },
  }).reader()
  const query = encodeURIComponent(evil)
  const more = [
    `/dashboard/tasks?q=${query}&show=${query}`,
    `/dashboard/deliveries?type=${query}&subscription_id=${query}`,
    `/dashboard/register?task_token=${query}&callback_url=${query}&metadata=${query}&events=${query}`,
    `/dashboard/tasks?done=${query}`,
    `/dashboard/tasks/${token}?done=__proto__`,
  ]
  for (const path of [...pages, ...more]) {
    expect(await text(path), path).not.toMatch(/<script>|<img|"><script/)
  }
  expect(await (await get(`/dashboard/tasks/${token}`)).text()).toContain('&lt;script&gt;')
})

it('says nothing of what went wrong inside', async () => {
  const { reader, logged } = openDashboard({
    overrides: {
      queries: {
        listTasks: () => {
          throw new Error('SELECT secret')
        },
      },
    },
  })
  const { get } = await reader()
  const response = await get('/dashboard/tasks')
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('SELECT')
  expect(logged.some(({ level }) => level === 'error')).toBe(true)
})

it('reads a file once it is there, however many ask for it, as anyone may', async () => {
  const answers = [null, '/* idiomorph */']
  const { request } = openDashboard({ idiomorph: async () => answers.shift() ?? null })
  const ask = async () => (await request('/dashboard/assets/idiomorph.js')).status
  expect(await ask()).toBe(404)
  expect(await Promise.all([ask(), ask()])).toEqual([200, 200])
  expect(await ask()).toBe(200)
})

it('serves its files without a session, and no others', async () => {
  const { request } = openDashboard()
  const types = {
    'style.css': 'text/css',
    'live.js': 'text/javascript',
    'idiomorph.js': 'text/javascript',
    'icon.svg': 'image/svg+xml',
  }
  for (const [name, type] of Object.entries(types)) {
    const response = await request(`/dashboard/assets/${name}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(type)
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  }
  expect((await withCookie(request, '').get('/dashboard/assets/other.js')).status).toBe(303)
})
