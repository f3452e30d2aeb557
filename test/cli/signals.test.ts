import { afterEach, expect, test, vi } from 'vitest'
import { codeOfSignal, untilSignal } from '../../src/cli/signals.ts'
import { keepSignalListeners, signals } from './signal-listeners.ts'

keepSignalListeners()
afterEach(() => {
  vi.restoreAllMocks()
})

test('the first signal is told; npm’s own Ctrl-C right behind it is the same, and a later one ends at once', async () => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never)
  const clock = vi.spyOn(Date, 'now')
  const signal = untilSignal()
  const at = (ms: number, name: NodeJS.Signals) => {
    clock.mockReturnValue(ms)
    process.emit(name, name)
  }
  at(50_000, 'SIGTERM')
  at(51_000, 'SIGINT')
  expect(await signal).toBe('SIGTERM')
  expect(exit).not.toHaveBeenCalled()
  at(51_001, 'SIGINT')
  expect(exit).toHaveBeenCalledExactlyOnceWith(1)
})

test('the code is the one that a shell has for it', () => {
  expect(signals.map(codeOfSignal)).toEqual([130, 143, 129])
})
