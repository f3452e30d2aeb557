import { afterEach, describe, expect, it, vi } from 'vitest'
import { callbackLookupsMax, widenThreadPool } from '../../src/node/thread-pool.ts'

afterEach(() => vi.unstubAllEnvs())

describe('lookups of callbacks', () => {
  it.each([
    [undefined, 1],
    ['1', 1],
    ['4', 1],
    ['6', 1],
    ['16', 6],
    ['64', 30],
    ['many', 1],
  ])('with UV_THREADPOOL_SIZE %s are %i at once', (size, max) => {
    vi.stubEnv('UV_THREADPOOL_SIZE', size)
    expect(callbackLookupsMax()).toBe(max)
  })

  it('are more in the pool that the relay asks for, unless the operator has chosen one', () => {
    vi.stubEnv('UV_THREADPOOL_SIZE', undefined)
    widenThreadPool()
    expect(callbackLookupsMax()).toBe(6)
    vi.stubEnv('UV_THREADPOOL_SIZE', '8')
    widenThreadPool()
    expect(callbackLookupsMax()).toBe(2)
  })
})
