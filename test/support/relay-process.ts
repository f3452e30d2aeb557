/** The real binary as a child process, and the loopback receiver and upstream that tests put around it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'
import { onTestFinished } from 'vitest'
import { statusAnswers } from '../contract/subject.ts'
import { builtBin } from './built.ts'
import { type BodyListener, createLoopback, onBody } from './loopback.ts'

export const apiKey = 'a-key-for-the-process-tests-only'

export interface RelayProcess {
  url: string
  pid: number
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** SIGTERM. @returns the exit code */
  terminate(): Promise<number | null>
  call(method: string, path: string, body?: unknown): Promise<Response>
}

/**
 * Ends with the test, however that ends: its output would keep the run alive.
 * @throws with what it printed, when it ends before it listens
 */
export async function startRelay(env: Record<string, string>): Promise<RelayProcess> {
  const child = spawn(process.execPath, [builtBin, 'serve'], {
    env: { ...process.env, ...env, PORT: '0', POLLHOOK_API_KEYS: `acme=${apiKey}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => end(child, 'SIGKILL').then(() => undefined))
  const url = await listening(child)
  return {
    url,
    pid: child.pid!,
    kill: () => end(child, 'SIGKILL').then(() => undefined),
    terminate: () => end(child, 'SIGTERM'),
    call: (method, path, body) =>
      fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  }
}

function listening(child: ChildProcess): Promise<string> {
  const printed: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => printed.push(String(chunk)))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${printed.join('')}`)))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const entry = JSON.parse(line) as { message: string; url?: string }
      if (entry.message === 'listening' && entry.url !== undefined) resolve(entry.url)
    })
  })
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
  return child.exitCode
}

export interface Received {
  webhookId: string
  type: string
  subscriptionId: string
  seq: number
  token: string
}

export interface World {
  env: Record<string, string>
  received: Received[]
  refused: string[]
  /** Tokens of each status call, in order. */
  calls: string[][]
  /** Webhooks that it does not verify are listed in `refused`. */
  setSecret(secret: string): void
  callbackUrl(path: string): string
  /** Resolves once `condition` holds; looked at after every webhook. */
  until(condition: () => boolean): Promise<void>
}

/** How a token's state follows from how often it was asked for. */
export type StatusOf = (token: string, asked: number) => Record<string, unknown>

/** Its servers and its folder go when the test is over, after the relays that were started in it. */
export async function openWorld(statusOf: StatusOf, env: Record<string, string> = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const serve = serverOfTest()
  const received: Received[] = []
  const refused: string[] = []
  const calls: string[][] = []
  let verifier: Webhook | null = null
  let waiting: { condition: () => boolean; resolve: () => void }[] = []

  const answerOf = statusAnswers({ statusOf })
  const upstream = await serve((body, response) => {
    const { tokens, answer } = answerOf(body)
    calls.push(tokens)
    response.end(JSON.stringify(answer))
  })
  const receiver = await serve((body, response, request) => {
    try {
      verifier?.verify(body, request.headers as Record<string, string>)
    } catch (error) {
      refused.push(String(error))
    }
    const { type, data } = JSON.parse(body)
    const webhookId = String(request.headers['webhook-id'])
    received.push({
      webhookId,
      type,
      subscriptionId: data.subscription_id,
      seq: data.seq,
      token: data.task_token,
    })
    response.end()
    for (const one of waiting.filter(({ condition }) => condition())) one.resolve()
    waiting = waiting.filter(({ condition }) => !condition())
  })
  return {
    env: {
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_UPSTREAM_URL: upstream,
      POLLHOOK_INSECURE_CALLBACKS: 'true',
      POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
      POLLHOOK_POLL_INTERVAL: '100ms',
      ...env,
    },
    received,
    refused,
    calls,
    setSecret(secret) {
      verifier = new Webhook(secret)
    },
    callbackUrl: (path) => `${receiver}${path}`,
    until(condition) {
      if (condition()) return Promise.resolve()
      return new Promise((resolve) => waiting.push({ condition, resolve }))
    },
  }
}

/** Takes what is sent to it, and answers when the test says so, or not at all; goes with the test, as a world does. */
export async function openSilent(): Promise<{ calls: ServerResponse[]; url: string }> {
  const calls: ServerResponse[] = []
  const serve = serverOfTest()
  const url = await serve((_body, response) => calls.push(response))
  return { calls, url }
}

/** @returns what makes a server on loopback; all end with the test */
function serverOfTest() {
  const loopback = createLoopback()
  onTestFinished(() => loopback.closeAll())
  return async (answer: BodyListener): Promise<string> => {
    const { port } = await loopback.http(onBody(answer))
    return `http://127.0.0.1:${port}`
  }
}
