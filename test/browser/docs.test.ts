/** /docs in Chromium: it renders the API, tries a call, and asks nobody else for anything. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, openPage, whyNoBrowser } from './browser.ts'
import { type DashboardWorld, openWorld } from './world.ts'

describe.skipIf(whyNoBrowser !== null)('the API page in Chromium', { timeout: 60_000 }, () => {
  let world: DashboardWorld
  let browser: Browser

  beforeAll(async () => {
    world = await openWorld()
    browser = await launch()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await world?.close()
  })

  it('shows every call and makes one', async () => {
    const { page, faults, close } = await openPage(browser, world.url)
    const elsewhere: string[] = []
    page.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(world.url) && !url.startsWith('data:')) elsewhere.push(url)
    })
    await page.goto('/docs')
    await page.locator('.opblock').first().waitFor()
    const shown = await page.locator('.opblock').count()
    const { paths, webhooks } = (await (await fetch(`${world.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>
      webhooks: Record<string, Record<string, unknown>>
    }
    const documented = [...Object.values(paths), ...Object.values(webhooks)].flatMap((methods) =>
      Object.keys(methods).filter((name) => /^(get|post|patch|put|delete)$/.test(name)),
    )
    expect(shown).toBe(documented.length)
    await page.getByRole('button', { name: 'Authorize' }).click()
    await page.locator('.auth-container input').fill(world.key)
    await page.locator('.auth-container button[type=submit]').click()
    await page.locator('.modal-ux .btn-done').click()
    await page.locator('.opblock-summary-path', { hasText: '/v1/signing-secret' }).first().click()
    await page.getByRole('button', { name: 'Try it out' }).click()
    await page.getByRole('button', { name: 'Execute' }).click()
    await page
      .locator('.responses-table.live-responses-table .response-col_status', { hasText: '200' })
      .waitFor()
    expect(elsewhere).toEqual([])
    expect(faults).toEqual([])
    await close()
  })
})
