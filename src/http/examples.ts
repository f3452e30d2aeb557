/** The examples of the OpenAPI document: one task, followed through every shape. */
const taskToken = '471272a512d76c22665db9dcee893409'
const subscriptionId = 'sub_01000000000001abc'
const startedAt = '2026-11-23T10:00:00.000Z'
const changedAt = '2026-11-23T10:02:10.120Z'

export const registration = {
  task_token: taskToken,
  callback_url: 'https://app.example.com/hooks/transcode?job=7',
  status_url: 'https://master-1.qencode.com/v1/status',
  events: ['task.*'],
  percent_step: 1,
  metadata: { job: '7' },
  expires_in: 86_400,
}

export const subscription = {
  id: subscriptionId,
  task_token: taskToken,
  callback_url: registration.callback_url,
  status_url: registration.status_url,
  events: ['task.*'],
  percent_step: 1,
  metadata: { job: '7' },
  own_secret: false,
  state: 'active',
  state_reason: null,
  task: { status: 'encoding', percent: 42.5, seq: 7, changed_at: changedAt, polled_at: changedAt },
  created_at: startedAt,
  expires_at: '2026-11-24T10:00:00.000Z',
}

export const task = {
  task_token: taskToken,
  status: 'encoding',
  percent: 42.5,
  seq: 7,
  changed_at: changedAt,
  polled_at: changedAt,
  ended_at: null,
}

export const taskDetail = {
  ...task,
  error: null,
  result: null,
  transitions: [
    { seq: 6, type: 'task.progress', status: 'encoding', percent: 40.1, at: startedAt },
    { seq: 7, type: 'task.progress', status: 'encoding', percent: 42.5, at: changedAt },
  ],
}

export const event = {
  type: 'task.progress',
  timestamp: changedAt,
  data: {
    subscription_id: subscriptionId,
    task_token: taskToken,
    seq: 7,
    status: 'encoding',
    percent: 42.5,
    previous: { status: 'encoding', percent: 40.1 },
    metadata: { job: '7' },
    error: null,
    result: null,
  },
}

export const delivery = {
  id: 'dlv_01000000000001abc',
  webhook_id: 'msg_01000000000001abc_7',
  subscription_id: subscriptionId,
  task_token: taskToken,
  type: 'task.progress',
  seq: 7,
  state: 'delivered',
  state_reason: null,
  attempts: 1,
  next_attempt_at: null,
  created_at: changedAt,
  finished_at: '2026-11-23T10:02:10.260Z',
}

const queued = {
  ...delivery,
  state: 'pending',
  finished_at: null,
  created_at: '2026-11-23T10:05:00.000Z',
  next_attempt_at: '2026-11-23T10:05:00.000Z',
}

export const queuedTest = {
  ...queued,
  id: 'dlv_01000000000002abc',
  webhook_id: 'msg_0f3k9w2p7d5m1x8r4t6y0b2c9q1',
  type: 'pollhook.test',
  seq: null,
  attempts: 0,
}

/** It was given up after its eight attempts, which its log keeps. */
export const queuedAgain = {
  ...queued,
  id: 'dlv_01000000000003abc',
  webhook_id: 'msg_01000000000001abc_9',
  type: 'task.completed',
  seq: 9,
  attempts: 8,
  created_at: changedAt,
}

export const deliveryDetail = {
  ...delivery,
  callback_url: registration.callback_url,
  payload: event,
  attempt_log: [
    {
      attempt: 1,
      at: '2026-11-23T10:02:10.180Z',
      url: registration.callback_url,
      outcome: 'accepted',
      status_code: 204,
      error_code: null,
      duration_ms: 80,
      response_body: null,
    },
  ],
}

export const endpoint = {
  id: 'ep_c69dd425005be2382cf231c8',
  origin: 'https://app.example.com',
  state: 'healthy',
  failing_since: null,
  last_success_at: '2026-11-23T10:02:10.260Z',
  backlog: 0,
  oldest_waiting_at: null,
  retry_after_until: null,
  paused: false,
  max_concurrency: null,
  max_per_second: null,
}

export const signingSecrets = {
  secrets: [{ secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', expires_at: null }],
}

export const rotatedSecrets = {
  secrets: [
    { secret: 'whsec_l5nZ2Jv1pYh0Qx7cEwT3uKf8RmAo4sGd', expires_at: null },
    { secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', expires_at: '2026-11-24T10:00:00.000Z' },
  ],
}
