/**
 * Sees to it that the relay polls the tasks that `pollhook watch` is to show, where it is told to: subscriptions that
 * are there will do; else it makes some, to the given callback URL or to a receiver of its own, which go when it ends.
 */
import { randomBytes } from 'node:crypto'
import { formatSigningSecret } from '../core/signature.ts'
import { type Api, answeredWithout, codeOf, type Page, queryOf } from './api.ts'
import { createReceiver } from './receiver.ts'

const path = '/v1/subscriptions'

export interface WatchedTasks {
  taskTokens: readonly string[]
  /** Null: a receiver on loopback, for as long as it is watched. */
  callbackUrl: string | null
  statusUrl?: string
}

/** @returns what ends everything that was made for the watching only */
export async function subscribeTo(api: Api, watched: WatchedTasks): Promise<() => Promise<void>> {
  const missing: string[] = []
  const status = watched.statusUrl === undefined ? {} : { status_url: watched.statusUrl }
  for (const token of watched.taskTokens) {
    const id = await subscriptionOf(api, token)
    if (id === null) missing.push(token)
    else if (watched.statusUrl !== undefined) await update(api, id, status)
  }
  if (missing.length === 0) return async () => {}
  if (watched.callbackUrl !== null) {
    for (const token of missing)
      await subscribe(api, { task_token: token, callback_url: watched.callbackUrl, ...status })
    return async () => {}
  }
  const secret = formatSigningSecret(randomBytes(32))
  const receiver = await createReceiver({ secrets: [secret], onWebhook: () => {} })
  const made: string[] = []
  const undo = async () => {
    // A relay that is gone by now must not hide why the watching ended.
    for (const id of made) await api.call('DELETE', `/v1/subscriptions/${id}`).catch(() => {})
    await receiver.close()
  }
  try {
    for (const token of missing) {
      made.push(await subscribe(api, { task_token: token, callback_url: receiver.url, secret, ...status }))
    }
    return undo
  } catch (error) {
    await undo()
    if (codeOf(error) !== 'callback_not_allowed') throw error
    throw new Error(
      'this relay does not deliver to loopback: give your app’s URL with --callback, or start the relay with POLLHOOK_INSECURE_CALLBACKS=true POLLHOOK_PRIVATE_CALLBACKS=127.0.0.0/8',
    )
  }
}

/** The id of one that keeps the task polled. */
async function subscriptionOf(api: Api, taskToken: string): Promise<string | null> {
  for (const state of ['active', 'paused']) {
    const query = queryOf({ task_token: taskToken, state, limit: 1 })
    const page = (await api.call('GET', `${path}${query}`)) as Page<{ id: string }> | null
    if (!Array.isArray(page?.data)) throw answeredWithout('list', path, api)
    if (page.data[0] !== undefined) return page.data[0].id
  }
  return null
}

/** Whose end came in between has no use for it. */
async function update(api: Api, id: string, change: object): Promise<void> {
  await api.call('PATCH', `/v1/subscriptions/${id}`, change).catch((error: unknown) => {
    if (codeOf(error) !== 'conflict') throw error
  })
}

async function subscribe(api: Api, body: object): Promise<string> {
  const made = (await api.call('POST', path, body)) as { id: string } | null
  if (typeof made?.id !== 'string') throw answeredWithout('id', path, api)
  return made.id
}
