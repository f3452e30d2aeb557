/** What may go wrong in a simulation. Swarm style: each seed switches about half of it off. */
import type { Rng } from './random.ts'

export const faultNames = [
  // upstream
  'timeouts',
  'network',
  'serverErrors',
  'garbage',
  'nullEntries',
  'errorCodes',
  'busy',
  'badTokens',
  'unknownTokens',
  'lag',
  'oddTypes',
  'masterDies',
  'moves',
  'outage',
  'slowUpstream',
  // receivers
  'fails',
  'hangs',
  'resets',
  'rejects',
  'gone',
  'retryAfter',
  'slowReceivers',
  'lateAccepts',
  'refused',
  // the machine
  'crash',
  'restart',
  'clockForward',
  'clockBack',
  'diskFull',
  // what users do
  'reregister',
  'patch',
  'pause',
  'cancel',
  'test',
  'redeliver',
  'redeliverMany',
  'endpoints',
  'rotate',
  'hint',
  'expiry',
] as const

export type Fault = (typeof faultNames)[number]
export type FaultMix = ReadonlySet<Fault>

export function drawFaults(random: Rng): FaultMix {
  // Some seeds are nearly calm, some have nearly everything.
  const share = random.pick([0.15, 0.4, 0.5, 0.6, 0.85])
  return new Set(faultNames.filter(() => random.chance(share)))
}
