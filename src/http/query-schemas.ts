/** The query strings of lists. Parameters that no list knows are ignored. */
import * as v from 'valibot'
import type { PageQuery } from '../store/records.ts'
import { deliveryStates, subscriptionStates } from './schemas.ts'

export const limitDefault = 50
export const limitMax = 200

const text = v.string('must be given once')

const page = {
  limit: v.optional(
    v.pipe(
      text,
      v.check((raw) => /^\d{1,4}$/.test(raw), `must be a whole number from 1 to ${limitMax}`),
      v.toNumber(),
      v.integer(),
      v.minValue(1, `must be a whole number from 1 to ${limitMax}`),
      v.maxValue(limitMax, `must be a whole number from 1 to ${limitMax}`),
      v.description(`Most rows in the answer, ${limitDefault} if not given.`),
    ),
  ),
  cursor: v.optional(v.pipe(text, v.description('`next_cursor` of the page before.'))),
}

export const pageQuery = v.object(page)

export const subscriptionsQuery = v.object({
  ...page,
  task_token: v.optional(text),
  state: v.optional(v.picklist(subscriptionStates, `must be one of ${subscriptionStates.join(', ')}`)),
  callback_url: v.optional(text),
})

export const deliveriesQuery = v.object({
  ...page,
  subscription_id: v.optional(text),
  state: v.optional(v.picklist(deliveryStates, `must be one of ${deliveryStates.join(', ')}`)),
  type: v.optional(v.pipe(text, v.description('An event type, such as `task.completed`.'))),
})

export const streamQuery = v.object({
  after: v.optional(
    v.pipe(
      text,
      v.check((raw) => /^\d{1,15}$/.test(raw), 'must be a seq: a whole number, 0 to replay everything'),
      v.toNumber(),
      v.integer(),
      v.minValue(0),
      v.description('Replays what came after this `seq`. `Last-Event-ID` goes before it.'),
    ),
  ),
})

export function pageOf(query: v.InferOutput<typeof pageQuery>): PageQuery {
  return { limit: query.limit ?? limitDefault, cursor: query.cursor ?? null }
}
