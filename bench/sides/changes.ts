/**
 * Upstream that notes when it ended the answer which first told a change. The percent of each task moves by one again
 * and again, each at a moment of its own.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { changeKey, type Moment, monotonicMs } from '../support/moments.ts'
import { serveRounds } from '../support/rounds.ts'

/** How often the percent of a task moves; what was told before is forgotten. */
export interface ChangesRound {
  msPerChange: number
}

export interface Changes {
  url: string
  moments: Moment[]
}

interface Told {
  /** When the task was first asked for. */
  since: number
  percent: number
}

let moments: Moment[] = []
let msPerChange = 5_000
const tasks = new Map<string, Told>()

/** @returns whether it is another percent than was told last */
function advance(token: string, task: Told, now: number): boolean {
  const phase = (Number.parseInt(token.slice(0, 8), 16) / 2 ** 32) * msPerChange
  const percent = Math.floor((now - task.since + phase) / msPerChange)
  if (percent === task.percent) return false
  task.percent = percent
  return true
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = ''
  request.setEncoding('latin1').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    const now = monotonicMs()
    const news: string[] = []
    const entries = (body.match(/[a-f0-9]{32}/g) ?? []).map((token) => {
      const task = tasks.get(token) ?? { since: now, percent: -1 }
      tasks.set(token, task)
      if (advance(token, task, now)) news.push(changeKey(token, task.percent))
      return `"${token}":{"status":"encoding","percent":${task.percent},"error":0}`
    })
    const answer = `{"error":0,"statuses":{${entries.join(',')}}}`
    response.setHeader('content-type', 'application/json')
    const endedAt = monotonicMs()
    response.end(answer)
    for (const key of news) moments.push([key, endedAt])
  })
})
const port = new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
})

serveRounds<ChangesRound, Changes>(async (options) => {
  const told = moments
  moments = []
  tasks.clear()
  msPerChange = options.msPerChange
  return { url: `http://127.0.0.1:${await port}`, moments: told }
})
