/**
 * What the HTTP layer asks of the relay: every write, committed to disk before its promise resolves, with
 * the engine already woken. Reads go to the store directly.
 */
import type {
  DeliveryRecord,
  EndpointPatch,
  EndpointRecord,
  SubscriptionInput,
  SubscriptionPatch,
  SubscriptionRecord,
  SubscriptionState,
} from './store/records.ts'

export type SubscribeResult =
  | { kind: 'created'; subscription: SubscriptionRecord }
  /** Already active with equal options: unchanged. */
  | { kind: 'existing'; subscription: SubscriptionRecord }
  /** Already active with other options. */
  | { kind: 'subscription_exists'; id: string }
  | { kind: 'quota_exceeded'; quota: number }

export type UpdateResult =
  | { kind: 'updated'; subscription: SubscriptionRecord }
  | { kind: 'not_found' }
  /** Not active or paused any more; `pauseHides`: it still shows as paused. */
  | { kind: 'conflict'; state: SubscriptionState; pauseHides?: true }
  | { kind: 'subscription_exists'; id: string }

export type DeliveryResult =
  | { kind: 'queued'; delivery: DeliveryRecord }
  | { kind: 'not_found' }
  | { kind: 'conflict'; detail: string }

export interface RedeliverFilter {
  since?: number
  until?: number
  subscriptionId?: string
  endpointId?: string
  dryRun: boolean
}

export interface SigningSecret {
  secret: string
  expiresAt: number | null
}

export interface Commands {
  /** Registrations that arrive together share one commit; results are in the order of `inputs`. */
  subscribe(inputs: readonly SubscriptionInput[]): Promise<SubscribeResult[]>
  updateSubscription(ownerId: number, id: string, patch: SubscriptionPatch): Promise<UpdateResult>
  /** False when the owner has no such subscription. */
  cancelSubscription(ownerId: number, id: string): Promise<boolean>
  sendTest(ownerId: number, id: string): Promise<DeliveryResult>
  redeliver(ownerId: number, deliveryId: string): Promise<DeliveryResult>
  redeliverMany(ownerId: number, filter: RedeliverFilter): Promise<{ count: number }>
  updateEndpoint(ownerId: number, id: string, patch: EndpointPatch): Promise<EndpointRecord | null>
  /** Newest first, also of a rotation. */
  signingSecrets(ownerId: number): SigningSecret[]
  rotateSigningSecret(ownerId: number, overlapMs: number): Promise<SigningSecret[]>
  /** Qencode's own callback: writes nothing, makes a known task due as soon as the interval allows. */
  hint(taskToken: string): void
  /** When the task was last polled by this process; null before its first poll after a start. */
  polledAt(taskToken: string): number | null
  /** True once migrated and polling, false while starting or draining. */
  ready(): boolean
}
