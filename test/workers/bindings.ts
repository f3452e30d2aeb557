/** Vars and secrets of the Worker under test, as `wrangler secret put` would set them. */

export const apiKey = 'a-key-for-the-worker-tests-only'
export const otherApiKey = 'another-owners-key-for-the-tests'
export const upstreamUrl = 'https://api.upstream.test'
/** Base64 of 32 bytes. */
export const secret = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc='

export const testBindings = {
  POLLHOOK_API_KEYS: `acme=${apiKey},other=${otherApiKey}`,
  POLLHOOK_SECRET: secret,
  POLLHOOK_UPSTREAM_URL: upstreamUrl,
  // What shards know; a test calls the router with the generations that it is about.
  POLLHOOK_SHARDS: '2:3,1:2',
  POLLHOOK_POLL_INTERVAL: '20ms',
  POLLHOOK_POLL_INTERVAL_MAX: '40ms',
  POLLHOOK_RETRY_SCHEDULE: '20ms,20ms,20ms',
  POLLHOOK_RETRY_SCHEDULE_INTERIM: '10ms,10ms',
  LOG_LEVEL: 'error',
}
