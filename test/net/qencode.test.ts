import { describe } from 'vitest'
import { createUpstreamFetch } from '../../src/net/node/upstream-fetch.ts'
import { upstreamSuite } from './upstream-suite.ts'

describe('with the global fetch, as on Workers', () => upstreamSuite(fetch))
describe('with the fetch of Node', () => upstreamSuite(createUpstreamFetch()))
