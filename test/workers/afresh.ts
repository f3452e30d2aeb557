/** Test files share a workerd, which takes long to start: each leaves nothing in it to the next. */
import { reset } from 'cloudflare:test'
import { afterAll, vi } from 'vitest'
import { wakeAll } from './world.ts'

afterAll(async () => {
  vi.restoreAllMocks()
  await wakeAll()
  await reset()
  vi.unstubAllGlobals()
})
