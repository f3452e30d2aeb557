/** When a task is polled next while the API host asks to be left alone, with waits of hours. */
import { expect, it } from 'vitest'
import { createHost } from '../../src/engine/host.ts'
import { createNextPoll } from '../../src/engine/next-poll.ts'
import type { Watch } from '../../src/store/watches.ts'
import { entryWith } from './entries.ts'
import { apiOrigin, hour, minute, second } from './world.ts'

const at = 10 * hour
const intervalMaxMs = 2 * hour
const stalledAfterMs = hour

/** @returns how long after its poll it is polled again: nobody could be asked, if it was not answered */
function waitsAfter(more: Partial<Watch>, kind: 'putOff' | 'hinted' | 'answered'): number {
  const entry = entryWith({ token: 'token', origin: apiOrigin }, { expiresAt: 100 * hour, ...more })
  const { after } = createNextPoll({
    settings: { intervalMs: 5 * second, intervalMaxMs },
    limits: { lostAfterMs: hour, stalledAfterMs, pollMsMax: minute },
    random: () => 0.5,
    apiHost: Object.assign(createHost(apiOrigin), { toldUntil: at + 24 * hour }),
    hinted: new Set(kind === 'hinted' ? [entry] : []),
  })
  const [failed, putOff] = [kind !== 'answered', kind === 'putOff'].map((is) => new Set(is ? [entry] : []))
  const judged = { news: [], failed: failed!, putOff: putOff! }
  return after(entry, judged, at, at) - at
}

it.each<[string, Partial<Watch>, number]>([
  ['until its time has been over for as long as a stall takes', { expiresAt: at - minute }, hour - minute],
  ['until the stall is to be told', { expiresAt: at, failingSince: at - 20 * minute }, 40 * minute],
  ['for no stall that was told', { expiresAt: at, failingSince: at - 20 * minute, stalled: true }, hour],
])('a last poll that nobody can be asked for is put off %s', (_until, watch, waitMs) => {
  expect(waitsAfter(watch, 'putOff')).toBe(waitMs)
})

it('what was hinted at meanwhile waits for no longer than any other', () => {
  expect(waitsAfter({}, 'hinted')).toBe(intervalMaxMs)
})

it('what a master answered waits for no API host', () => {
  expect(waitsAfter({ changedAt: at }, 'answered')).toBeLessThan(minute)
})
