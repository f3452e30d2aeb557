import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type EventBody,
  eventResult,
  noResult,
  payloadResultBytesMax,
  renderEvent,
  utf8BytesOver,
} from '../../src/core/payload.ts'

const event: EventBody = {
  type: 'task.encoding',
  at: Date.parse('2026-11-23T10:00:00.000Z'),
  subscriptionId: 'sub_1',
  taskToken: '471272a512d76c22665db9dcee893409',
  seq: 7,
  status: 'encoding',
  percent: 42.5,
  previous: { status: 'encoding', percent: 40.1 },
  metadataJson: '{"job":"7"}',
  error: null,
  result: noResult,
}

describe('the body of a webhook', () => {
  it('is the one of the contract, key by key in its order', () => {
    expect(renderEvent(event)).toBe(
      '{"type":"task.encoding","timestamp":"2026-11-23T10:00:00.000Z","data":{"subscription_id":"sub_1",' +
        '"task_token":"471272a512d76c22665db9dcee893409","seq":7,"status":"encoding","percent":42.5,' +
        '"previous":{"status":"encoding","percent":40.1},"metadata":{"job":"7"},"error":null,"result":null}}',
    )
  })

  it('carries a result as it was serialised, and says when it was left out', () => {
    const result = { json: '{"videos":[1]}', truncated: false } as const
    expect(JSON.parse(renderEvent({ ...event, result })).data.result).toEqual({ videos: [1] })
    const { data } = JSON.parse(renderEvent({ ...event, result: { json: null, truncated: true } }))
    expect(data).toMatchObject({ result: null, result_truncated: true })
  })

  it('is JSON whatever upstream and users put into it', () => {
    const text = fc.string({ unit: 'binary' })
    const state = fc.record({ status: fc.option(text), percent: fc.option(fc.double({ min: 0, max: 100 })) })
    const error = fc.record({ code: fc.integer(), description: fc.option(text) })
    fc.assert(
      fc.property(
        text,
        fc.option(state),
        fc.option(error),
        fc.dictionary(text, text),
        fc.json(),
        (...given) => {
          const [type, previous, failure, metadata, json] = given
          const metadataJson = JSON.stringify(metadata)
          const result = { json, truncated: false } as const
          const body = JSON.parse(
            renderEvent({ ...event, type, previous, error: failure, metadataJson, result }),
          )
          expect(body.type).toBe(type)
          expect(body.data.previous).toEqual(JSON.parse(JSON.stringify(previous)))
          expect(body.data.error).toEqual(failure && { ...failure })
          expect(body.data.metadata).toEqual(JSON.parse(metadataJson))
          expect(body.data.result).toEqual(JSON.parse(json))
        },
      ),
    )
  })

  it('has nulls for a test of a task that is not known yet', () => {
    const test = { ...event, type: 'pollhook.test', seq: null, status: null, percent: null, previous: null }
    expect(JSON.parse(renderEvent(test)).data).toMatchObject({ seq: null, status: null, previous: null })
  })
})

describe('a result', () => {
  it('over 256 KiB is left out, at 256 KiB it is not', () => {
    const fits = 'x'.repeat(payloadResultBytesMax)
    const shown = (json: string | null) => eventResult({ json, dropped: false })
    expect(shown(fits)).toEqual({ json: fits, truncated: false })
    expect(shown(`${fits}x`)).toEqual({ json: null, truncated: true })
    expect(shown('é'.repeat(payloadResultBytesMax / 2 + 1))).toEqual({ json: null, truncated: true })
    expect(shown(null)).toEqual(noResult)
  })

  it('that was too large to be kept is told of as left out', () => {
    expect(eventResult({ json: null, dropped: true })).toEqual({ json: null, truncated: true })
  })

  it('is measured in UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(120), (text, limit) => {
        expect(utf8BytesOver(text, limit)).toBe(new TextEncoder().encode(text).byteLength > limit)
      }),
    )
  })
})
