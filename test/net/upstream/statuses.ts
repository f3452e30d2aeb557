/** Answers that tell of tasks: which entries are taken, and from however the answer is written. */
import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Asking, a, b, c } from './asking.ts'

export function statusSuite({ answering, close, statusesOf, upstream }: Asking): void {
  describe('an answer with statuses', () => {
    it('has the entries that were asked for, as upstream sent them', async () => {
      const entry = { status: 'encoding', percent: '8.37', videos: [{ tag: 'x' }] }
      const body = { error: 0, statuses: { [a]: entry, [c]: { status: 'completed' } } }
      expect(await statusesOf(body, [a, b])).toEqual({ [a]: entry })
    })

    it('is parsed without the names of its tokens where they stand in the order of the call', async () => {
      const parse = vi.spyOn(JSON, 'parse')
      onTestFinished(() => parse.mockRestore())
      const body = JSON.stringify({ error: 0, statuses: { [a]: { percent: 1 }, [b]: { percent: 2 } } })
      const parsed = { [a]: { percent: 1 }, [b]: { percent: 2 } }
      expect(await statusesOf(body, [a, b])).toEqual(parsed)
      // undici parses, too.
      const answers = parse.mock.calls.map(([text]) => text).filter((text) => text.includes('"error"'))
      expect(answers).toEqual([expect.not.stringMatching(`${a}|${b}`)])
      expect(await statusesOf(body, [b, a])).toEqual(parsed)
    })

    it('is keyed by lower-case token', async () => {
      expect(await statusesOf({ error: 0, statuses: { [a.toUpperCase()]: { percent: 1 } } }, [a])).toEqual({
        [a]: { percent: 1 },
      })
    })

    it.each([null, 'None', 7, [], true, { error: 5 }, { error: '13', status: null }])(
      'drops the entry %j',
      async (entry) => {
        expect(await statusesOf({ error: 0, statuses: { [a]: entry, [b]: { percent: 1 } } }, [a, b])).toEqual(
          {
            [b]: { percent: 1 },
          },
        )
      },
    )

    it('knows none of them where the map is empty, which PHP writes as a list', async () => {
      for (const statuses of [{}, []]) expect(await statusesOf({ error: 0, statuses }, [a, b])).toEqual({})
    })

    it.each([0, '0', null, false, 'None', undefined])('is good with error %j', async (error) => {
      expect(await statusesOf({ error, statuses: { [a]: {} } }, [a])).toEqual({ [a]: {} })
    })

    it('may have a name of very many digits beside them', async () => {
      const statuses = { [a]: { status: 'queued' }, ['1'.repeat(16_000_000)]: { status: 'saving' } }
      expect(await statusesOf({ error: 0, statuses }, [a])).toEqual({ [a]: { status: 'queued' } })
    })

    it.each([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const)('may be compressed with %s', async (coding, compress) => {
      const body = compress(JSON.stringify({ error: 0, statuses: { [a]: { status: 'queued' } } }))
      const origin = await answering(body, { headers: { 'content-encoding': coding } })
      expect(await upstream.status(origin, [a])).toEqual({
        kind: 'statuses',
        statuses: new Map([[a, { status: 'queued' }]]),
      })
    })

    it('may be compressed and long', async () => {
      const note = randomBytes(2 * 1024 * 1024).toString('hex')
      const body = gzipSync(JSON.stringify({ error: 0, statuses: { [a]: { note } } }))
      const origin = await answering(body, { headers: { 'content-encoding': 'gzip' } })
      expect(await upstream.status(origin, [a])).toEqual({
        kind: 'statuses',
        statuses: new Map([[a, { note }]]),
      })
    })

    it.each([
      ['in the order of the call', [a, b, c]],
      ['in another order', [c, a, b]],
      ['with one left out', [a, c]],
    ])('is read %s', async (_, order) => {
      const entries = order.map((token, percent): [string, object] => [
        token,
        { status: 'encoding', percent },
      ])
      const statuses = Object.fromEntries(entries)
      expect(await statusesOf({ statuses, error: 0 }, [a, b, c])).toEqual(statuses)
      await close()
      expect(await statusesOf(JSON.stringify({ statuses, error: 0 }, null, 2), [a, b, c])).toEqual(statuses)
    })

    it('may name a token that was asked for anywhere else too', async () => {
      const own = { status: 'encoding', payload: { [b]: { status: 'completed' }, list: [`"${b}":`, b] } }
      const bodies = [
        { error: 0, statuses: { [a]: own, [b]: { percent: 2 } } },
        { error: 0, [a]: { percent: 9 }, statuses: { [a]: own, [b]: { percent: 2 } } },
        { error: 0, [a]: 1, [b]: 2, statuses: { 0: { percent: 8 }, [a]: own, [b]: { percent: 2 } } },
      ]
      for (const body of bodies) {
        expect(await statusesOf(body, [a, b])).toEqual({ [a]: own, [b]: { percent: 2 } })
        await close()
      }
    })

    it('has the last of a token that stands twice, as JSON.parse has', async () => {
      const body = `{"statuses":{"${a}":{"percent":1},"${b}":{},"${a}":{"percent":2}}}`
      expect(await statusesOf(body, [a, b])).toEqual({ [a]: { percent: 2 }, [b]: {} })
    })

    it('is not fooled by the names of Object.prototype', async () => {
      const body = `{"error":0,"statuses":{"__proto__":{"${a}":{"status":"completed"}},"constructor":{}}}`
      expect(await statusesOf(body, [a])).toEqual({})
    })
  })
}
