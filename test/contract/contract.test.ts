/** The contract on Node; test/workers/contract.test.ts is its twin in workerd. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiSuite } from './api/suite.ts'
import { here, inProcess, openNode } from './node.ts'
import { promiseSuite } from './promise/suite.ts'
import { receivedBy, register, type Subject, type Subscription, until } from './subject.ts'

let subject: Subject

afterEach(() => subject.close())

describe('the REST API on Node', () => {
  beforeEach(async () => {
    subject = await openNode(here)
  })
  apiSuite(() => subject)
})

describe('the delivery promise on Node', () => {
  beforeEach(async () => {
    subject = await openNode(inProcess)
  })
  promiseSuite(() => subject)

  it('crash after crash, each event is told in order, and a repeat has the same id', async () => {
    const path = ['queued', 'encoding', 'saving', 'completed']
    subject.script.statusOf = (_token, asked) => ({ status: path[Math.min(asked, path.length) - 1] })
    const made = await Promise.all(Array.from({ length: 20 }, () => register(subject)))
    for (let crashes = 0; crashes < 3; crashes++) {
      const told = subject.received.length
      await until(() => subject.received.length > told || made.every(hasEnded))
      await subject.restart()
    }
    await until(() => made.every(hasEnded))
    for (const one of made) {
      const seqs = new Map(receivedBy(subject, one).map(({ id, seq }) => [id, seq]))
      // A status that was answered to the dead is upstream's past; what was recorded has no gap.
      expect([...seqs.values()]).toEqual(Array.from(seqs, (_, index) => index + 1))
    }
  })
})

function hasEnded(one: Subscription): boolean {
  return receivedBy(subject, one).some(({ type }) => type === 'task.completed')
}
