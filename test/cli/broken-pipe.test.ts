import { expect, onTestFinished, test, vi } from 'vitest'
import { endWithReader } from '../../src/cli/broken-pipe.ts'
import { keepSignalListeners } from './signal-listeners.ts'

keepSignalListeners()

/** What the stream says at every write, as soon as nobody reads. */
const gone = () => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

test('a reader that is gone is one signal, however much is written after it: a second would cut the stop short', () => {
  const listeners = ([process.stdout, process.stderr] as const).map(
    (stream) => [stream, new Set(stream.listeners('error'))] as const,
  )
  onTestFinished(() => {
    process.exitCode = undefined
    for (const [stream, before] of listeners)
      for (const listener of stream.listeners('error'))
        if (!before.has(listener)) stream.off('error', listener as () => void)
  })
  const stop = vi.fn()
  process.on('SIGTERM', stop)
  endWithReader()
  for (let n = 0; n < 3; n++) process.stdout.emit('error', gone())
  expect(stop).toHaveBeenCalledOnce()
  expect(process.exitCode).toBe(141)
})
