/** The contract on Node; test/workers/contract.test.ts is its twin in workerd. */
import { afterEach, beforeEach, describe } from 'vitest'
import { apiSuite } from './api/suite.ts'
import { openNode } from './node.ts'
import { promiseSuite } from './promise/suite.ts'
import type { Subject } from './subject.ts'

let subject: Subject

beforeEach(async () => {
  subject = await openNode()
})
afterEach(() => subject.close())

describe('the REST API on Node', () => apiSuite(() => subject))
describe('the delivery promise on Node', () => promiseSuite(() => subject))
