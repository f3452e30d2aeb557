/** Whatever an answer is made of. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUpstream } from '../../../src/net/qencode.ts'
import { a, b, c, userAgent } from './asking.ts'

export function answerProperties(): void {
  describe('whatever upstream sends', () => {
    const pieces = fc.oneof(fc.jsonValue(), fc.constantFrom(0, 5, 8, 13, '8', null, 'None', true))
    const nearly = fc.record(
      {
        error: pieces,
        message: pieces,
        statuses: fc.oneof(pieces, fc.dictionary(fc.constantFrom(a, b, '__proto__'), pieces)),
      },
      { requiredKeys: [] },
    )
    const bodies = fc.oneof(
      nearly.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
    )
    const statuses = fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 }))

    it('is one of the known answers, never an exception', async () => {
      await fc.assert(
        fc.asyncProperty(
          bodies,
          statuses,
          fc.option(fc.stringMatching(/^[ -~]*$/)),
          async (body, status, retryAfter) => {
            const bodiless = [204, 205, 304].includes(status)
            const headers = retryAfter === null ? {} : { 'retry-after': retryAfter }
            const response = new Response(bodiless ? null : body, { status, headers })
            const answer = await createUpstream({
              userAgent,
              fetch: async () => response,
              timeoutMs: 15_000,
            }).status('http://x', [a, b])
            expect(['statuses', 'busy', 'error', 'failed']).toContain(answer.kind)
            if (answer.kind === 'statuses') {
              for (const [token, entry] of answer.statuses) {
                expect([a, b]).toContain(token)
                expect(Array.isArray(entry)).toBe(false)
                expect(entry).toBeTypeOf('object')
              }
            }
            if (answer.kind === 'error') expect(answer.code).not.toBe(0)
            if (answer.kind === 'busy' && answer.retryAfterMs !== null)
              expect(answer.retryAfterMs).toBeGreaterThanOrEqual(0)
          },
        ),
      )
    })

    it('says of each token what parsing it plainly says', async () => {
      const name = fc.constantFrom(a, b, c, '0', '1', '\\u0030', '\\u0031', 'x')
      const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
        value: fc.oneof({ maxDepth: 3 }, fc.constantFrom('1', `"${a}"`, `"\\"${b}\\":"`), tie('object')),
        object: fc
          .array(fc.tuple(name, tie('value'), fc.constantFrom(':', ' : ')), { maxLength: 4 })
          .map((members) => `{${members.map(([key, of, colon]) => `"${key}"${colon}${of}`).join()}}`),
      }))
      const entries = fc.array(fc.tuple(name, value), { maxLength: 5 })
      await fc.assert(
        fc.asyncProperty(entries, entries, value, fc.boolean(), async (members, more, before, inOrder) => {
          const named = inOrder ? [[a, '{"percent":1}'], ...members, [b, before], ...more] : members
          const statuses = `{${named.map(([key, of]) => `"${key}":${of}`).join()}}`
          const body = `{"x":${before},"statuses":${statuses}}`
          const answer = await createUpstream({
            userAgent,
            fetch: async () => new Response(body),
            timeoutMs: 15_000,
          }).status('http://x', [a, b])
          const plain = JSON.parse(statuses) as Record<string, unknown>
          const known = [a, b].filter((token) => typeof plain[token] === 'object')
          expect(answer).toEqual({
            kind: 'statuses',
            statuses: new Map(known.map((token) => [token, plain[token]])),
          })
        }),
        { numRuns: 1_000 },
      )
    })

    it('is read through however many chunks it comes in', async () => {
      const text = JSON.stringify({ error: 0, statuses: { [a]: { payload: 'ä€😀' } } })
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
          const bytes = new TextEncoder().encode(text)
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.slice(i * size, (i + 1) * size),
          )
          const response = new Response(ReadableStream.from(chunks))
          const answer = await createUpstream({
            userAgent,
            fetch: async () => response,
            timeoutMs: 15_000,
          }).status('http://x', [a])
          expect(answer).toEqual({ kind: 'statuses', statuses: new Map([[a, { payload: 'ä€😀' }]]) })
        }),
      )
    })
  })
}
