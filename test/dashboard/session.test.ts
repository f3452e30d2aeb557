import { expect, it } from 'vitest'
import { at, key, token } from '../http/support.ts'
import {
  cookieOf,
  keysOfBoth,
  logIn,
  openDashboard,
  origin,
  otherKey,
  secretA,
  secretB,
  withCookie,
} from './support.ts'

const hours = 3_600_000

it('sends who is not logged in to the login page, and back afterwards', async () => {
  const { request } = openDashboard()
  const refused = await request(`/dashboard/tasks/${token}?x=1`)
  expect(refused.status).toBe(303)
  const to = new URL(refused.headers.get('location') ?? '', origin)
  expect(to.pathname).toBe('/dashboard/login')
  const next = to.searchParams.get('next') ?? ''
  expect(await (await request(to.pathname + to.search)).text()).toContain(`value="${next}"`)
  const entered = await logIn(request, key, next)
  expect(entered.headers.get('location')).toBe(`/dashboard/tasks/${token}?x=1`)
  // Another tab may be on the login page still.
  const { get } = withCookie(request, cookieOf(entered))
  expect((await get(to.pathname + to.search)).headers.get('location')).toBe(`/dashboard/tasks/${token}?x=1`)
})

it('finds a page with a slash behind its name', async () => {
  const { get } = await openDashboard().reader()
  expect((await get('/dashboard/')).headers.get('location')).toBe('/dashboard')
  expect((await get('/dashboard/%0d%0ax/')).headers.get('location')).toBe('/dashboard/%0d%0ax')
  expect((await get('/dashboard/tasks/?show=active')).headers.get('location')).toBe(
    '/dashboard/tasks?show=active',
  )
})

it('lets a link on another site in, to which a browser gives no cookie: the page is asked for once more', async () => {
  const { request } = openDashboard()
  const path = `/dashboard/tasks/${token}?x=1`
  const linked = await request(path, { headers: { 'sec-fetch-site': 'cross-site' } })
  expect(linked.status).toBe(200)
  const page = await linked.text()
  expect(page).toContain('<meta http-equiv="refresh" content="0">')
  expect(page).toContain(`href="${path}"`)
  const again = await request(path, { headers: { 'sec-fetch-site': 'same-origin' } })
  expect(again.headers.get('location')).toMatch(/^\/dashboard\/login\?next=/)
  expect(await (await request('/dashboard/login')).text()).not.toContain('http-equiv')
})

it.each([
  ['https://evil.example/dashboard/x', 'another site'],
  ['//evil.example/dashboard/x', 'another host'],
  ['/v1/tasks', 'the API'],
  ['/dashboard/../docs', 'a page beside it'],
  ['javascript:alert(1)', 'a script'],
])('does not go on to %s (%s) after logging in', async (next) => {
  const { request } = openDashboard()
  expect((await logIn(request, key, next)).headers.get('location')).toBe('/dashboard')
})

it('answers a wrong key with 401, the reason in words, and no cookie', async () => {
  const { request } = openDashboard()
  const response = await logIn(request, 'not-a-key-of-anyone-at-all')
  expect(response.status).toBe(401)
  expect(response.headers.get('set-cookie')).toBeNull()
  const text = await response.text()
  expect(text).toContain('does not know that key')
  expect(text).not.toContain('not-a-key-of-anyone-at-all')
})

it('sets a cookie that scripts, other sites and other paths do not get', async () => {
  const { request } = openDashboard()
  const cookie = (await logIn(request, key)).headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/; Max-Age=43200; Path=\/dashboard; HttpOnly; SameSite=Strict$/)
  expect(cookie).not.toContain(key)
})

it.each([
  [false, 'by http', { origin }],
  [true, 'by https to a proxy that says so', { origin, 'x-forwarded-proto': 'https' }],
  [true, 'by https to a proxy that says nothing', { origin: origin.replace('http:', 'https:') }],
])(
  'makes the cookie Secure (%s) when the form came %s',
  async (secure, _how, headers: Record<string, string>) => {
    const { request } = openDashboard()
    const body = new URLSearchParams({ key })
    const response = await request('/dashboard/login', { method: 'POST', headers, body })
    expect((response.headers.get('set-cookie') ?? '').includes('; Secure')).toBe(secure)
  },
)

it('says that a form which came after the end of the session was not done, and leads back to its page', async () => {
  const { request } = openDashboard()
  const headers = { origin, referer: `${origin}/dashboard/endpoints?cursor=c2` }
  const response = await request('/dashboard/endpoints/ep_1/pause', { method: 'POST', headers })
  const to = response.headers.get('location') ?? ''
  const page = await (await request(to)).text()
  expect(page).toContain('What you sent just now was not done.')
  expect(page).toContain('name="next" value="/dashboard/endpoints?cursor=c2"')
})

it('answers HEAD as GET, which is no form that was lost', async () => {
  const { request, reader } = openDashboard()
  const location = async (answer: Response | Promise<Response>) => (await answer).headers.get('location')
  for (const method of ['GET', 'HEAD']) {
    expect(await location(request('/dashboard/tasks', { method }))).toBe(
      '/dashboard/login?next=%2Fdashboard%2Ftasks',
    )
    const { cookie } = await reader()
    expect(await location(request('/dashboard/tasks/', { method, headers: { cookie } }))).toBe(
      '/dashboard/tasks',
    )
  }
})

it('lets a session end after twelve hours', async () => {
  const { clock, reader } = openDashboard()
  const { get } = await reader()
  clock.at = at + 12 * hours - 1
  expect((await get('/dashboard/tasks')).status).toBe(200)
  clock.at = at + 12 * hours
  expect((await get('/dashboard/tasks')).status).toBe(303)
})

it.each([
  ['the owner', (value: string) => value.replace('acme', 'other')],
  ['the end', (value: string) => value.replace(/\.(\d{13})\./, (_, end) => `.${Number(end) + 1}.`)],
  ['the key', (value: string) => value.replace(/\.[0-9a-f]/, (c) => (c === '.0' ? '.1' : '.0'))],
  [
    'the signature',
    (value: string) =>
      value.replace(/\.([A-Za-z0-9])([^.]*)$/, (_, c, rest) => `.${c === 'A' ? 'B' : 'A'}${rest}`),
  ],
  ['everything', () => 'pollhook_session=acme.x.9999999999999'],
])('takes no cookie of which %s was changed', async (_what, change) => {
  const { request, reader } = openDashboard()
  const { cookie } = await reader()
  const changed = change(cookie)
  expect(changed).not.toBe(cookie)
  expect((await withCookie(request, changed).get('/dashboard/tasks')).status).toBe(303)
})

it('ends a session when its key is taken away, not when another key of the owner is', async () => {
  const second = { owner: 'acme', sha256Hex: 'ab'.repeat(32) }
  const { cookie } = await openDashboard({ apiKeys: [...keysOfBoth, second] }).reader()
  const without = openDashboard({ apiKeys: [keysOfBoth[1]!, second] })
  expect((await withCookie(without.request, cookie).get('/dashboard/tasks')).status).toBe(303)
  const withKey = openDashboard()
  expect((await withCookie(withKey.request, cookie).get('/dashboard/tasks')).status).toBe(200)
})

it('keeps a session while POLLHOOK_SECRET is being replaced, and no longer', async () => {
  const { cookie } = await openDashboard({ secrets: [secretA] }).reader()
  const during = openDashboard({ secrets: [secretB, secretA] })
  expect((await withCookie(during.request, cookie).get('/dashboard/tasks')).status).toBe(200)
  const after = openDashboard({ secrets: [secretB] })
  expect((await withCookie(after.request, cookie).get('/dashboard/tasks')).status).toBe(303)
})

it('logs out', async () => {
  const { reader } = openDashboard()
  const { post } = await reader()
  const response = await post('/dashboard/logout')
  expect(response.headers.get('location')).toBe('/dashboard/login')
  expect(response.headers.get('set-cookie')).toMatch(/^pollhook_session=; Max-Age=0; Path=\/dashboard/)
  expect(cookieOf(response)).toBe('pollhook_session=')
})

it('tells an event stream without a session to stop', async () => {
  const { request } = openDashboard()
  expect((await request(`/dashboard/tasks/${token}/events`)).status).toBe(204)
})

it('logs no key, no token and no search', async () => {
  const { logged, reader } = openDashboard()
  const { get } = await reader()
  await get(`/dashboard/tasks/${token}`)
  await get(`/dashboard/tasks?q=${token.slice(0, 20)}`)
  const lines = JSON.stringify(logged)
  expect(lines).not.toContain(key)
  expect(lines).not.toContain(token.slice(0, 20))
  expect(lines).toContain('/dashboard/tasks/:token')
})

it('logs a page once, with its owner; the calls behind it are for who debugs', async () => {
  const { logged, reader } = openDashboard()
  const { get } = await reader()
  logged.length = 0
  await get(`/dashboard/tasks/${token}`)
  const lines = logged.map(({ level, fields }) => [level, fields.route, fields.owner])
  expect(lines.filter(([level]) => level === 'info')).toEqual([['info', '/dashboard/tasks/:token', 'acme']])
  expect(lines.filter(([level]) => level === 'debug')).toContainEqual(['debug', '/v1/tasks/:token', 'acme'])
  expect(new Set(logged.map(({ fields }) => fields.request_id))).toEqual(new Set(['req_dashboard']))
})

it('calls the API with a ticket that soon ends and that no other secret makes', () => {
  const { clock, sessions } = openDashboard()
  const ticket = sessions.ticket('acme')
  expect(sessions.ownerOf(ticket)).toBe('acme')
  expect(sessions.ownerOf(ticket.replace('acme', 'other'))).toBeNull()
  expect(openDashboard({ secrets: [secretB] }).sessions.ownerOf(ticket)).toBeNull()
  expect(openDashboard({ secrets: [secretB, secretA] }).sessions.ownerOf(ticket)).toBe('acme')
  clock.at = at + 60_001
  expect(sessions.ownerOf(ticket)).toBeNull()
  expect(sessions.ownerOf(otherKey)).toBeNull()
})
