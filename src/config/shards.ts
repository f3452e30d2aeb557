/** POLLHOOK_SHARDS: `8`, or generations newest first such as `2:8,1:4` (DESIGN §5). */
import type { Reader } from './reader.ts'

export interface ShardGeneration {
  generation: number
  shards: number
}

const generationMax = 1000
const shardsMax = 1000

export function readShards(read: Reader): ShardGeneration[] {
  const name = 'POLLHOOK_SHARDS'
  const text = read.raw(name) ?? '1'
  const entries = text.split(',').map((entry) => entry.trim())
  const parsed = entries.map((entry) =>
    parseEntry(entries.length === 1 ? entry.replace(/^(\d+)$/, '1:$1') : entry),
  )
  const generations = parsed.filter((entry) => entry !== null)
  if (generations.length < parsed.length) {
    read.fault(name, `has an entry that is not generation:shards with 1 to ${shardsMax} shards`, '2:8,1:4')
  }
  if (generations.some(({ generation }, i) => i > 0 && generation >= generations[i - 1]!.generation)) {
    read.fault(name, 'does not list its generations newest first, each once', '2:8,1:4')
  }
  return generations
}

function parseEntry(entry: string): ShardGeneration | null {
  const match = /^(\d{1,4}):(\d{1,4})$/.exec(entry)
  if (match === null) return null
  const [generation, shards] = [Number(match[1]), Number(match[2])]
  const fits = generation >= 1 && generation <= generationMax && shards >= 1 && shards <= shardsMax
  return fits ? { generation, shards } : null
}
