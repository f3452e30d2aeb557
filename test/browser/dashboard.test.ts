/** The dashboard as people use it: in Chromium, over a relay whose upstream is the simulator. */
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launch, logIn, openPage, seriousFaults, type WatchedPage, whyNoBrowser } from './browser.ts'
import { type DashboardWorld, openWorld } from './world.ts'

/** As a browser does when its reader goes to another tab and comes back. */
const setHidden = (hidden: boolean) => `
  Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))`

/** Tables that are wider than their place, with the longest texts in them that come of themselves. */
const cutTables = `
  for (const time of document.querySelectorAll('td time')) time.textContent = '59 min ago'
  for (const one of document.querySelectorAll('td .mono, tbody a[href*=deliveries]')) {
    if (one.textContent.startsWith('task.')) one.textContent = 'task.downloading'
  }
  for (const pill of document.querySelectorAll('td .pill')) pill.textContent = 'delivered'
  const places = [...document.querySelectorAll('.table, .card:has(> .table)')]
  places.filter((place) => place.scrollWidth > place.clientWidth).map((place) => place.textContent)`

if (whyNoBrowser !== null) process.stderr.write(`test/browser is skipped: ${whyNoBrowser}\n`)

describe.skipIf(whyNoBrowser !== null)('the dashboard in Chromium', { timeout: 60_000 }, () => {
  let world: DashboardWorld
  let browser: Browser
  const opened: WatchedPage[] = []

  beforeAll(async () => {
    world = await openWorld()
    browser = await launch()
  }, 60_000)

  // A page that stays goes on asking for what is new.
  afterEach(async () => {
    for (const { close } of opened.splice(0)) await close()
  })

  afterAll(async () => {
    await browser?.close()
    await world?.close()
  })

  async function open(options: Parameters<typeof openPage>[2] = {}): Promise<WatchedPage> {
    const watched = await openPage(browser, world.url, options)
    opened.push(watched)
    return watched
  }

  /** A task that goes on for longer than any test, and is known to the relay. */
  async function registerTask(receiver: 'good' | 'bad' = 'good', durationMs = 600_000): Promise<string> {
    const { taskToken } = world.simulator.createJob({ durationMs })
    const callback_url = `${world.receivers[receiver]}/hooks/${taskToken}`
    await world.call('POST', '/v1/subscriptions', { task_token: taskToken, callback_url })
    return taskToken
  }

  it('refuses a wrong key, takes the right one, knows who follows a link from elsewhere, and logs out', async () => {
    const { page, faults } = await open()
    await page.goto('/dashboard/endpoints')
    await page.getByLabel('API key').fill('not-a-key-of-anyone-at-all')
    await page.getByLabel('API key').press('Enter')
    await page.getByText('does not know that key').waitFor()
    // The browser reports a 401 by itself.
    expect(faults.splice(0)).toEqual([expect.stringContaining('401')])
    await page.getByLabel('API key').fill(world.key)
    await page.getByRole('button', { name: 'Log in' }).click()
    // Where it was going before.
    await page.getByRole('heading', { name: 'Endpoints' }).waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    const body = `<a href="${world.url}/dashboard/deliveries">a link in a chat</a>`
    await page.route('http://chat.test/', (route) => route.fulfill({ contentType: 'text/html', body }))
    await page.goto('http://chat.test/')
    await page.getByRole('link').click()
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor()
    expect(faults.splice(0)).toEqual(['a request to http://chat.test'])
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(faults).toEqual([])
  })

  it('registers by the form, with the curl beside it, and the bar moves by itself to the end', async () => {
    const { page, faults } = await open()
    const { taskToken } = world.simulator.createJob({ durationMs: 6_000 })
    await logIn(page, world.key)
    await page.getByRole('link', { name: 'Register a task', exact: true }).click()
    await page.getByLabel('Task token').fill(taskToken)
    await page.getByLabel('Callback URL').fill(`${world.receivers.good}/form`)
    await page.getByLabel('Metadata').fill('job=7')
    await page.locator('#curl', { hasText: `"job": "7"` }).waitFor()
    expect(await page.locator('#curl').textContent()).toContain(taskToken)
    const stream = page.waitForResponse((response) => response.url().includes('/events'))
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByText('Registered.').waitFor()
    expect((await stream).headers()['content-type']).toBe('text/event-stream')
    const bar = page.getByRole('progressbar').first()
    const value = () => bar.evaluate((element) => Number((element as unknown as { value: number }).value))
    await expect.poll(value, { timeout: 15_000 }).toBeGreaterThan(0)
    // In the background it holds no connection, of which a browser has six for all its tabs.
    const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/events'))
    await page.evaluate(setHidden(true))
    await ended
    const reopened = page.waitForRequest((request) => request.url().includes('/events'))
    await page.evaluate(setHidden(false))
    await reopened
    const seen = await value()
    await expect.poll(value, { timeout: 15_000 }).toBeGreaterThan(seen)
    await page.getByText('completed', { exact: true }).first().waitFor()
    expect(await value()).toBe(100)
    await page.getByRole('heading', { name: 'Result' }).waitFor()
    expect(faults).toEqual([])
  })

  it('moves the bars of the list, and keeps the focus while it does', async () => {
    const token = await registerTask('good', 20_000)
    const { page, faults } = await open()
    await logIn(page, world.key)
    await page.locator(`#task-${token} a`).focus()
    const bar = page.locator(`#bar-${token}`)
    const value = () => bar.evaluate((element) => Number((element as unknown as { value: number }).value))
    const before = await value()
    await expect.poll(value, { timeout: 15_000 }).toBeGreaterThan(before)
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe(
      `/dashboard/tasks/${token}`,
    )
    expect(faults).toEqual([])
  })

  it('sends a delivery again', async () => {
    await registerTask('good')
    const { page, faults } = await open()
    await logIn(page, world.key)
    await page.getByRole('link', { name: 'Deliveries' }).click()
    await page.getByRole('link', { name: 'Delivered', exact: true }).click()
    await page.locator('tbody a').first().click()
    await page.getByText('#1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Queued.').waitFor()
    await page.getByText('#2', { exact: true }).waitFor()
    expect(faults).toEqual([])
  })

  it('shows what a failing receiver answered', async () => {
    const token = await registerTask('bad')
    const { page, faults } = await open()
    await logIn(page, world.key)
    await page.goto(`/dashboard/tasks/${token}`)
    await page.locator('tbody a').first().click()
    await page.getByText('PG::ConnectionBad').first().waitFor()
    await page.getByText('HTTP 500').first().waitFor()
    expect(faults).toEqual([])
  })

  it('pauses and resumes an endpoint, and limits it', async () => {
    await registerTask('good')
    const { page, faults } = await open()
    await logIn(page, world.key)
    await page.getByRole('link', { name: 'Endpoints' }).click()
    const card = page.getByRole('article', { name: world.receivers.good })
    await card.getByRole('button', { name: 'Pause' }).click()
    await card.getByText('paused', { exact: true }).waitFor()
    await page.getByText('Paused.').waitFor()
    await page.reload()
    await card.getByText('paused', { exact: true }).waitFor()
    expect(await page.getByText('Paused.').count()).toBe(0)
    await card.getByRole('button', { name: 'Resume' }).click()
    await card.getByRole('button', { name: 'Pause' }).waitFor()
    await card.getByText('Limits', { exact: true }).click()
    await card.getByLabel('Most per second').fill('50')
    await card.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits are saved.').waitFor()
    expect(await card.getByLabel('Most per second').inputValue()).toBe('50')
    expect(faults).toEqual([])
  })

  it('hides nothing behind what it says: not the card that was changed, not that it may be old', async () => {
    const { page } = await open({ viewport: { width: 390, height: 480 } })
    await registerTask('good')
    const token = await registerTask('bad')
    await logIn(page, world.key)
    await page.goto('/dashboard/endpoints')
    // Not the last one: the page has room to scroll to it.
    await page.locator('article').first().getByRole('button', { name: 'Pause' }).click()
    const resume = page.locator('article').first().getByRole('button', { name: 'Resume' })
    await resume.waitFor()
    const isOnTop = (element: unknown) => {
      const one = element as { getBoundingClientRect(): { x: number; y: number }; ownerDocument: unknown }
      const { x, y } = one.getBoundingClientRect()
      const { elementFromPoint } = one.ownerDocument as { elementFromPoint(x: number, y: number): unknown }
      return elementFromPoint.call(one.ownerDocument, x + 5, y + 5) === element
    }
    for (const each of [page.locator('article h2').first(), resume]) {
      expect(await each.evaluate(isOnTop)).toBe(true)
    }
    await resume.click()
    await page.evaluate(
      `document.getElementById('stale').hidden = false; scrollTo(0, document.body.scrollHeight)`,
    )
    expect(await page.evaluate('scrollY')).toBeGreaterThan(100)
    expect(await page.evaluate(`document.getElementById('stale').getBoundingClientRect().y`)).toBe(8)
    await page.goto('/dashboard/deliveries')
    // Events alone tell nobody whose they are.
    await page
      .getByRole('link', { name: token.slice(0, 8) })
      .first()
      .waitFor()
  })

  describe.each([
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 360, height: 740 }],
  ] as const)('in %s at %j', (colorScheme, viewport) => {
    it('is read without serious faults by axe, and fits its width', async () => {
      const token = await registerTask('bad')
      const { page, faults } = await open({ colorScheme, viewport, reducedMotion: 'reduce' })
      await page.goto('/dashboard')
      expect(await seriousFaults(page)).toEqual([])
      await logIn(page, world.key)
      await page.goto(`/dashboard/tasks/${token}`)
      const delivery = page.locator('tbody a[href^="/dashboard/deliveries/"]').first()
      await delivery.waitFor()
      const deliveryPath = await delivery.getAttribute('href')
      const paths = [
        '/dashboard/tasks',
        `/dashboard/tasks/${token}`,
        '/dashboard/deliveries',
        deliveryPath,
        '/dashboard/endpoints',
        '/dashboard/register',
      ]
      for (const path of paths) {
        await page.goto(path ?? '')
        expect(await seriousFaults(page), `${path}`).toEqual([])
        expect(await page.evaluate('document.documentElement.scrollWidth'), `${path}`).toBe(viewport.width)
        expect(await page.evaluate(cutTables), `${path}`).toEqual([])
      }
      expect(faults).toEqual([])
    })
  })

  it('is read without JavaScript', async () => {
    const token = await registerTask('good')
    const { page } = await open({ javaScriptEnabled: false })
    await logIn(page, world.key)
    await page.getByRole('link', { name: 'Not ended' }).click()
    await page.locator(`#task-${token} a`).click()
    await page.getByRole('heading', { name: 'Timeline' }).waitFor()
    await page.getByRole('img', { name: 'Status and percent over time' }).waitFor()
    await page.getByRole('link', { name: 'Register' }).click()
    await page.getByLabel('Task token').fill(token)
    await page.getByLabel('Callback URL').fill('https://user:pass@app.example.com/')
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.locator('.fault').waitFor()
    expect(await page.locator('#curl').textContent()).toContain(token)
  })

  it('says that it may be old while the relay does not answer, and asks again', async () => {
    const { page } = await open()
    await page.addInitScript(`
      AbortSignal.timeout = () => {
        const controller = new AbortController()
        globalThis.timeOut = () => controller.abort()
        return controller.signal
      }`)
    await logIn(page, world.key)
    const warning = page.getByText('What you see may be old')
    expect(await warning.isVisible()).toBe(false)
    const asked = Promise.withResolvers<void>()
    await page.route('**/dashboard/tasks', () => asked.resolve())
    await asked.promise
    await page.evaluate('timeOut()')
    await warning.waitFor()
    await page.unroute('**/dashboard/tasks')
    await warning.waitFor({ state: 'hidden' })
  })

  it('is worked by keyboard: past the navigation, through a form', async () => {
    const { page, faults } = await open()
    await logIn(page, world.key)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Register a task' }).waitFor()
    expect(faults).toEqual([])
  })
})
