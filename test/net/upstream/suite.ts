/** Asking upstream over real HTTP, whichever `fetch` the runtime has for it. */
import { describe, expect, it } from 'vitest'
import type { UpstreamFetch } from '../../../src/ports.ts'
import { type Asking, a, b, openAsking, userAgent } from './asking.ts'
import { errorSuite, unusableSuite, waitSuite } from './failures.ts'
import { sizeSuite, timeSuite } from './limits.ts'
import { answerProperties } from './property.ts'
import { statusSuite } from './statuses.ts'

export function upstreamSuite(fetch: UpstreamFetch): void {
  const asking = openAsking(fetch)
  requestSuite(asking)
  statusSuite(asking)
  waitSuite(asking)
  errorSuite(asking)
  unusableSuite(asking)
  sizeSuite(asking)
  timeSuite(asking)
  answerProperties()
}

function requestSuite({ listen, upstream }: Asking): void {
  describe('the request', () => {
    async function received(tokens: string[]) {
      let seen = { line: '', type: '', auth: '' as string | undefined, agent: '', body: '' }
      const origin = await listen(async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        const { 'content-type': type = '', authorization: auth, 'user-agent': agent = '' } = request.headers
        seen = { line: `${request.method} ${request.url}`, type, auth, agent, body }
        response.end('{"error":0,"statuses":{}}')
      })
      await upstream.status(origin, tokens)
      return seen
    }

    it('is a form with one token', async () => {
      expect(await received([a])).toEqual({
        line: 'POST /v1/status',
        type: 'application/x-www-form-urlencoded',
        auth: undefined,
        agent: userAgent,
        body: `task_tokens=${a}`,
      })
    })

    it('is a form with several tokens', async () => {
      const { body } = await received([a, b])
      expect(body).toBe(`task_tokens[]=${a}&task_tokens[]=${b}`)
      expect(new URLSearchParams(body).getAll('task_tokens[]')).toEqual([a, b])
    })
  })
}
