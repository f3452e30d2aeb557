/** The contract in workerd, behind the router over several shards; test/contract/contract.test.ts is its twin on Node. */
import { abortAllDurableObjects, reset } from 'cloudflare:test'
import { beforeEach, describe } from 'vitest'
import { apiSuite } from '../contract/api/suite.ts'
import { promiseSuite } from '../contract/promise/suite.ts'
import type { Script, Subject } from '../contract/subject.ts'
import { apiKey, otherApiKey } from './bindings.ts'
import { openWorld, routerOver, runCron } from './world.ts'

const shards = '2:3,1:2'
let subject: Subject

function openWorkers(): Subject {
  const world = openWorld()
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
    callbackUrl: (path) => `https://app.example.com${path}`,
    async restart() {
      await abortAllDurableObjects()
      await runCron(shards)
    },
    close: async () => {},
  }
}

beforeEach(async () => {
  await abortAllDurableObjects()
  await reset()
  subject = openWorkers()
})

describe('the REST API in workerd', () => apiSuite(() => subject))
describe('the delivery promise in workerd', () => promiseSuite(() => subject))
