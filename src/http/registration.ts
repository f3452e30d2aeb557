/** From a checked request body to what the store takes, and from a result of `subscribe` to a problem. */
import type { SubscribeResult } from '../commands.ts'
import { parseCallbackUrl, parseStatusUrl } from '../core/target.ts'
import type { SubscriptionInput, SubscriptionPatch } from '../store/records.ts'
import type { AppDeps } from './deps.ts'
import { faultAt, type Problem, throwable } from './problem.ts'
import type { Registration, SubscriptionChange } from './schemas.ts'

type Policy = AppDeps['policy']
export type Checked<T> = { ok: true; value: T } | { ok: false; problem: Problem }

/** @returns what to register, or `callback_not_allowed` or `status_url_not_allowed` */
export function registrationInput(
  deps: Pick<AppDeps, 'policy' | 'watch'>,
  ownerId: number,
  body: Registration,
): Checked<SubscriptionInput> {
  const callback = allowedCallback(deps.policy, body.callback_url)
  if (!callback.ok) return callback
  const status = allowedStatusUrl(deps.policy, body.status_url ?? null)
  if (!status.ok) return status
  const value: SubscriptionInput = {
    ownerId,
    taskToken: body.task_token,
    callbackUrl: callback.value,
    statusUrl: status.value,
    events: body.events,
    percentStep: body.percent_step,
    metadata: body.metadata,
    secret: body.secret ?? null,
    expiresInMs: body.expires_in === undefined ? deps.watch.defaultMs : body.expires_in * 1000,
  }
  return { ok: true, value }
}

/** @throws callback_not_allowed, status_url_not_allowed as problems */
export function changePatch(policy: Policy, body: SubscriptionChange): SubscriptionPatch {
  const callbackUrl = body.callback_url && allowedOrThrow(allowedCallback(policy, body.callback_url))
  const statusUrl = body.status_url && allowedOrThrow(allowedStatusUrl(policy, body.status_url))
  return {
    ...(body.events && { events: body.events }),
    ...(body.percent_step !== undefined && { percentStep: body.percent_step }),
    ...(body.metadata && { metadata: body.metadata }),
    ...(callbackUrl && { callbackUrl }),
    ...(body.secret !== undefined && { secret: body.secret }),
    // None given changes nothing, and null is what an answer shows for none.
    ...(statusUrl && { statusUrl }),
    ...(body.expires_in !== undefined && { expiresInMs: body.expires_in * 1000 }),
    ...(body.state && { state: body.state }),
  }
}

/** Why a registration was not made. */
export function refusal(result: Exclude<SubscribeResult, { kind: 'created' | 'existing' }>): Problem {
  switch (result.kind) {
    case 'subscription_exists':
      return existsProblem(result.id, 'active with other options')
    case 'quota_exceeded': {
      const detail = `Your quota of active subscriptions is used up: ${result.quota} (on Workers the share of this task's shard). Cancel some, or wait until tasks end.`
      return { code: 'quota_exceeded', detail }
    }
  }
}

export function existsProblem(id: string, how: 'active' | 'active with other options'): Problem {
  const detail = `Subscription ${id} to the same task and callback URL is ${how}. PATCH or DELETE that one.`
  return { code: 'subscription_exists', detail, id }
}

function allowedOrThrow<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value
  throw throwable(checked.problem)
}

function allowedCallback(policy: Policy, raw: string): Checked<string> {
  const parsed = parseCallbackUrl(raw, policy.callback)
  if (parsed.ok) return { ok: true, value: parsed.url }
  return { ok: false, problem: faultAt('callback_url', parsed.reason, 'callback_not_allowed') }
}

function allowedStatusUrl(policy: Policy, raw: string | null): Checked<string | null> {
  if (raw === null) return { ok: true, value: null }
  const parsed = parseStatusUrl(raw, policy.status)
  if (parsed.ok) return { ok: true, value: `${parsed.origin}/v1/status` }
  return { ok: false, problem: faultAt('status_url', parsed.reason, 'status_url_not_allowed') }
}
