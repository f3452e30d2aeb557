import { expect, it } from 'vitest'
import { within } from '../../src/core/within.ts'
import { manualTimer } from '../support/manual-timer.ts'

it('what is there in time counts, and no timer is left', async () => {
  const timer = manualTimer()
  expect(await within(timer, 10, Promise.resolve('answer'), () => 'late')).toBe('answer')
  expect(timer).toMatchObject({ ms: 10, cancelled: true })
})

it('what fails in time fails, and no timer is left', async () => {
  const timer = manualTimer()
  await expect(within(timer, 10, Promise.reject(new Error('broken')), () => 'late')).rejects.toThrow('broken')
  expect(timer.cancelled).toBe(true)
})

it('what is not there in time counts as late, and what becomes of it changes nothing', async () => {
  const timer = manualTimer()
  const work = Promise.withResolvers<string>()
  const answer = within(timer, 10, work.promise, () => 'late')
  timer.fire()
  work.reject(new Error('too late to matter'))
  expect(await answer).toBe('late')
})

it('being late may be a failure', async () => {
  const timer = manualTimer()
  const answer = within(timer, 10, new Promise(() => {}), () => {
    throw new Error('no answer')
  })
  timer.fire()
  await expect(answer).rejects.toThrow('no answer')
})
