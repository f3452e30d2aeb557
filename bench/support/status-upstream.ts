/**
 * Upstream in a process of its own: answers each token of a call with a percent that moves by one every
 * `SECONDS_PER_CHANGE`, each token at a moment of its own; without a percent when that is `Infinity`.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const msPerChange = Number(process.env.SECONDS_PER_CHANGE ?? '500') * 1000

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = ''
  request.setEncoding('latin1').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const now = Date.now()
    const entries = (body.match(/[a-f0-9]{32}/g) ?? []).map((token) => {
      if (msPerChange === Number.POSITIVE_INFINITY) return `"${token}":{"status":"encoding","error":0}`
      const phase = (Number.parseInt(token.slice(0, 8), 16) / 2 ** 32) * msPerChange
      const percent = Math.floor((now + phase) / msPerChange) % 100
      return `"${token}":{"status":"encoding","percent":${percent},"error":0}`
    })
    response.setHeader('content-type', 'application/json')
    response.end(`{"error":0,"statuses":{${entries.join(',')}}}`)
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  process.exit(0)
})
