import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeId, encodeId, ownerFloor, ownerOfRow, ownersMax, webhookId } from '../../src/core/ids.ts'

const rowId = fc.record({
  generation: fc.nat(1295),
  shard: fc.nat(1295),
  row: fc.record({ owner: fc.integer({ min: 0, max: ownersMax }), n: fc.nat() }).map(({ owner, n }) => {
    return ownerFloor(owner) + n
  }),
})
const nonce = fc.stringMatching(/^[0-9a-z]{0,12}$/)

describe('an id', () => {
  it('is read back as what it was made from', () => {
    fc.assert(
      fc.property(rowId, nonce, (id, text) => {
        expect(decodeId('sub', encodeId('sub', id, text))).toEqual({ ...id, nonce: text })
      }),
    )
  })

  it('is the only id of its row', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const id of [text, `sub_${text}`]) {
          const decoded = decodeId('sub', id)
          if (decoded !== null) expect(encodeId('sub', decoded, decoded.nonce)).toBe(id)
        }
      }),
    )
  })

  it.each([
    '',
    'sub_',
    'dlv_010000000000001',
    'sub_01000000000001',
    'SUB_010000000000001',
    'sub_0100zzzzzzzzzzz',
    'sub_0100000000000A1',
    'sub_010000000000001\n',
    ' sub_010000000000001',
    'sub_010000000000001-',
  ])('%j is none of a subscription', (id) => {
    expect(decodeId('sub', id)).toBeNull()
  })

  it('sorts as its row does within a shard', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        const of = (row: number) => encodeId('dlv', { generation: 1, shard: 0, row })
        expect(of(a) < of(b)).toBe(a < b)
      }),
    )
  })
})

it('every row number names its owner, and is a safe integer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: ownersMax }), fc.nat(), (owner, n) => {
      expect(ownerOfRow(ownerFloor(owner) + n)).toBe(owner)
    }),
  )
  expect(Number.isSafeInteger(ownerFloor(ownersMax + 1) - 1)).toBe(true)
  expect(ownerOfRow(ownerFloor(2) - 1)).toBe(1)
})

it('a webhook id is made from subscription and seq', () => {
  expect(webhookId('sub_010000000000001abc', 7)).toBe('msg_010000000000001abc_7')
})
