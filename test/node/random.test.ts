import { expect, test } from 'vitest'
import { createRandomBytes } from '../../src/node/random.ts'

test('bytes are never given twice, across pools and beyond one', () => {
  const random = createRandomBytes()
  const seen = new Set<string>()
  for (let n = 0; n < 2_000; n++) seen.add(Buffer.from(random(8)).toString('hex'))
  for (const length of [4_090, 4_096, 5_000]) {
    const bytes = random(length)
    expect(bytes).toHaveLength(length)
    seen.add(Buffer.from(bytes.subarray(-8)).toString('hex'))
  }
  expect(seen.size).toBe(2_003)
  expect(random(0)).toHaveLength(0)
})
