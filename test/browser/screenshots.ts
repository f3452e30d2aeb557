/** `npm run screenshots`: every page of the dashboard into docs/images, light and dark, wide and on a phone. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launch, logIn, openPage, whyNoBrowser } from './browser.ts'
import { type DashboardWorld, openWorld } from './world.ts'

const folder = join(import.meta.dirname, '../../docs/images')

interface Shot {
  name: string
  path: string
  /** Before the picture is taken. */
  prepare?: (page: Page) => Promise<void>
}

if (whyNoBrowser !== null) throw new Error(whyNoBrowser)
mkdirSync(folder, { recursive: true })
const world = await openWorld({
  // A receiver as they are: mostly quick, at times slow.
  latencyMs: (n) => 24 + ((n * 37) % 41) + (n % 11 === 6 ? 190 : 0),
  env: {
    POLLHOOK_RETRY_SCHEDULE: '1s,2s,5m,30m',
    POLLHOOK_RETRY_SCHEDULE_INTERIM: '500ms,1s',
    LOG_LEVEL: 'error',
  },
})
const browser = await launch()
try {
  const shots = await fill(world)
  for (const colorScheme of ['light', 'dark'] as const) {
    await shoot(browser, shots, { colorScheme, width: 1280, height: 720, suffix: `-${colorScheme}` })
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    await shoot(browser, shots, { colorScheme, width: 360, height: 740, suffix: `-phone-${colorScheme}` })
  }
} finally {
  await browser.close()
  await world.close()
}

/** Tasks at every stage, one receiver that fails. @returns the pages to picture */
async function fill({ simulator, receivers, call }: DashboardWorld): Promise<Shot[]> {
  const jobs = [
    { durationMs: 9_000 },
    { durationMs: 10_000, fails: { at: 0.6, description: 'Failed to transcode video: unsupported codec' } },
    { durationMs: 13_000 },
    { durationMs: 300_000 },
    { durationMs: 26_000 },
    { durationMs: 40_000 },
    { durationMs: 60_000 },
    { durationMs: 90_000 },
  ].map((job) => simulator.createJob(job).taskToken)
  // Endpoints are listed newest first: the one in trouble comes to stand below the one that is well.
  await call('POST', '/v1/subscriptions', {
    task_token: jobs[1],
    callback_url: `${receivers.bad}/hooks/transcode`,
    events: ['task.failed'],
  })
  await call('POST', '/v1/subscriptions', { task_token: jobs[5], callback_url: `${receivers.down}/hooks` })
  for (const [index, task_token] of jobs.entries()) {
    const metadata = { job: `${1041 + index}` }
    await call('POST', '/v1/subscriptions', {
      task_token,
      callback_url: `${receivers.good}/hooks/transcode`,
      percent_step: 4,
      metadata,
    })
  }
  const detailed = jobs[2]!
  await call('POST', '/v1/subscriptions', {
    task_token: detailed,
    callback_url: `${receivers.good}/hooks/billing`,
    events: ['task.completed'],
  })
  await new Promise((resolve) => setTimeout(resolve, 17_000))
  const { data } = await call<{ data: { id: string; state: string; attempts: number }[] }>(
    'GET',
    '/v1/deliveries?type=task.failed&state=pending',
  )
  return [
    { name: 'tasks', path: '/dashboard/tasks' },
    { name: 'task', path: `/dashboard/tasks/${detailed}` },
    { name: 'deliveries', path: '/dashboard/deliveries' },
    { name: 'delivery', path: `/dashboard/deliveries/${data[0]?.id}` },
    { name: 'endpoints', path: '/dashboard/endpoints' },
    {
      name: 'register',
      path: '/dashboard/register',
      async prepare(page) {
        await page.getByLabel('Task token').fill('471272a512d76c22665db9dcee893409')
        await page.getByLabel('Callback URL').fill('https://app.example.com/hooks/transcode')
        await page.getByLabel('Metadata').fill('job=7')
        await page.locator('#curl', { hasText: '"job": "7"' }).waitFor()
        await page.evaluate('scrollTo(0, 0)')
      },
    },
  ]
}

async function shoot(
  browser: Browser,
  shots: readonly Shot[],
  {
    colorScheme,
    width,
    height,
    suffix,
  }: { colorScheme: 'light' | 'dark'; width: number; height: number; suffix: string },
): Promise<void> {
  const { page, close } = await openPage(browser, world.url, { colorScheme, viewport: { width, height } })
  await page.goto('/dashboard')
  const save = (name: string) => page.screenshot({ path: join(folder, `dashboard-${name}${suffix}.png`) })
  await save('login')
  await logIn(page, world.key)
  for (const { name, path, prepare } of shots) {
    await page.goto(path)
    await prepare?.(page)
    await save(name)
  }
  await close()
}
