/**
 * The reads that the HTTP layer and the dashboard make, all confined to one owner. Implemented by the
 * store; typed here so that the layers above depend on a list of questions, not on tables.
 */
import type {
  DeliveryDetail,
  DeliveryFilter,
  DeliveryRecord,
  EndpointRecord,
  Page,
  PageQuery,
  StreamState,
  SubscriptionFilter,
  SubscriptionRecord,
  TaskDetail,
  TaskRecord,
  TransitionEvent,
} from './records.ts'

export interface Queries {
  subscription(ownerId: number, id: string): SubscriptionRecord | null
  listSubscriptions(ownerId: number, query: PageQuery & SubscriptionFilter): Page<SubscriptionRecord>
  /** Null unless the owner has a subscription to the task in any state. */
  task(ownerId: number, taskToken: string): TaskDetail | null
  listTasks(ownerId: number, query: PageQuery): Page<TaskRecord>
  delivery(ownerId: number, id: string): DeliveryDetail | null
  listDeliveries(ownerId: number, query: PageQuery & DeliveryFilter): Page<DeliveryRecord>
  listEndpoints(ownerId: number, query: PageQuery, now: number): Page<EndpointRecord>
  endpoint(ownerId: number, id: string, now: number): EndpointRecord | null
  /** Transitions of a task after `seq`, oldest first, at most `limit`; for the event stream. */
  transitionsAfter(taskToken: string, seq: number, limit: number): TransitionEvent[]
  /** Null unless the owner has a subscription to the task in any state. */
  streamState(ownerId: number, taskToken: string): StreamState | null
}
