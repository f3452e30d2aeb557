/** What callbacks and upstream are told of who asks (RFC 9110 §10.1.5). */
export function userAgentOf(version: string): string {
  return `Pollhook/${version}`
}
