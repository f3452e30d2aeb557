/** `POST /v1/subscriptions/batch`: each registration stands alone, the valid ones share one commit. */
import * as v from 'valibot'
import type { SubscribeResult } from '../commands.ts'
import type { Owner, SubscriptionInput } from '../store/records.ts'
import type { AppDeps } from './deps.ts'
import { type Problem, problemBody } from './problem.ts'
import { type Checked, refusal, registrationInput } from './registration.ts'
import { subscriptionJson } from './representations.ts'
import type { Registration } from './schemas.ts'
import { invalid } from './validate.ts'

interface Batch {
  owner: Owner
  requestId: string
  schema: v.GenericSchema<unknown, Registration>
  items: readonly unknown[]
}

/** @returns the results in the order of `items` */
export async function subscribeBatch(deps: Pick<AppDeps, 'commands' | 'policy' | 'watch'>, batch: Batch) {
  const checked = batch.items.map((item) => checkItem(deps, batch, item))
  const inputs = checked.flatMap((item) => (item.ok ? [item.value] : []))
  const results = inputs.length === 0 ? [] : await deps.commands.subscribe(inputs)
  let next = 0
  return checked.map((item) => {
    if (!item.ok) return problemResult(item.problem, batch.requestId)
    return itemResult(deps, batch.requestId, results[next++]!)
  })
}

function checkItem(
  deps: Pick<AppDeps, 'policy' | 'watch'>,
  { owner, schema }: Batch,
  item: unknown,
): Checked<SubscriptionInput> {
  const parsed = v.safeParse(schema, item)
  if (!parsed.success) return { ok: false, problem: invalid(parsed.issues) }
  return registrationInput(deps, owner.id, parsed.output)
}

function itemResult(deps: Pick<AppDeps, 'commands'>, requestId: string, result: SubscribeResult) {
  if (result.kind === 'created' || result.kind === 'existing') {
    const subscription = subscriptionJson(result.subscription, deps.commands.polledAt)
    return { status: result.kind === 'created' ? 201 : 200, subscription }
  }
  return problemResult(refusal(result), requestId)
}

function problemResult(problem: Problem, requestId: string) {
  const body = problemBody(problem, requestId)
  return { status: body.status, problem: body }
}
