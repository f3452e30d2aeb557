/** Test files share a workerd, which takes long to start: each leaves nothing in it to the next, and each test no mock. */
import { reset } from 'cloudflare:test'
import { afterAll, afterEach, vi } from 'vitest'
import { wakeAll } from './world.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

afterAll(async () => {
  await wakeAll()
  await reset()
  vi.unstubAllGlobals()
})
