/** The contract in workerd, behind the router over several shards; test/contract/contract.test.ts is its twin on Node. */
import { abortAllDurableObjects } from 'cloudflare:test'
import { beforeEach, describe } from 'vitest'
import { apiSuite } from '../contract/api/suite.ts'
import { promiseSuite } from '../contract/promise/suite.ts'
import { newToken, type Script, type Subject } from '../contract/subject.ts'
import { apiKey, otherApiKey } from './bindings.ts'
import { openWorld, routerOver, runCron } from './world.ts'

const shards = '2:3,1:2'
let subject: Subject

function openWorkers(): Subject {
  const world = openWorld()
  // Tasks of earlier tests go on in the same shards: an origin of its own keeps each test's endpoint apart.
  const origin = `https://${newToken()}.example.com`
  const script: Script = { statusOf: () => ({ status: 'encoding' }), reply: () => ({ status: 204 }) }
  world.statusOf = (token, asked) => script.statusOf(token, asked)
  world.answer = (webhook) => {
    const { status, headers } = script.reply(webhook)
    return new Response(null, { status, ...(headers && { headers }) })
  }
  return {
    script,
    received: world.received,
    keys: { acme: apiKey, other: otherApiKey },
    call: routerOver(shards),
    callbackUrl: (path) => `${origin}${path}`,
    async restart() {
      await abortAllDurableObjects()
      await runCron(shards)
    },
    close: async () => {},
  }
}

beforeEach(() => {
  subject = openWorkers()
})

describe('the REST API in workerd', () => apiSuite(() => subject))
describe('the delivery promise in workerd', () => promiseSuite(() => subject))
