/** Test files share a workerd, which takes long to start: each leaves nothing in it to the next. */
import { reset } from 'cloudflare:test'
import { afterAll, vi } from 'vitest'
import { runCron } from './world.ts'

afterAll(async () => {
  vi.restoreAllMocks()
  // A reset overlooks what is not in memory.
  await runCron('3:2,2:3,1:2')
  await reset()
  vi.unstubAllGlobals()
})
