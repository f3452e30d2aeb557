/**
 * A process of its own with many receivers, one port each: the first `hanging` of them never answer. Reports how
 * long after the detection of a change its webhook arrived, for those that do.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const [count, hanging] = process.argv.slice(2).map(Number) as [number, number]
const latencies: number[] = []

function receiver(hangs: boolean): Promise<number> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      if (hangs) return
      const { timestamp } = JSON.parse(body) as { timestamp: string }
      latencies.push(Date.now() - Date.parse(timestamp))
      response.end()
    })
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

const ports = await Promise.all(Array.from({ length: count }, (_, i) => receiver(i < hanging)))
process.send?.({ ports })
// Also when the measurement was killed: the channel closes with it.
process.once('disconnect', () => process.exit(0))
process.on('message', (message) => {
  if (message === 'reset') latencies.length = 0
  if (message === 'report') process.send?.({ latencies })
})
