/** A receiver that notes when the request with each webhook arrived, and answers at once. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { changeKey, type Moment, monotonicMs } from '../support/moments.ts'
import { serveRounds } from '../support/rounds.ts'

let moments: Moment[] = []

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const at = monotonicMs()
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    response.end()
    const { data } = JSON.parse(body) as { data: { task_token: string; percent: number } }
    moments.push([changeKey(data.task_token, data.percent), at])
  })
})
const port = new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
})

serveRounds<Record<string, never>, { url: string; moments: Moment[] }>(async () => {
  const told = moments
  moments = []
  return { url: `http://127.0.0.1:${await port}`, moments: told }
})
