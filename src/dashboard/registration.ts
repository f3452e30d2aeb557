/** From the fields of the register form to the body of `POST /v1/subscriptions`, and to the same call by curl. */

export const fieldNames = [
  'task_token',
  'callback_url',
  'status_url',
  'events',
  'percent_step',
  'metadata',
  'secret',
  'expires_in',
] as const

export type Fields = Record<(typeof fieldNames)[number], string>

/** @param given what came of a form or of a query; only texts count */
export function fieldsOf(given: Readonly<Record<string, unknown>>): Fields {
  const texts = fieldNames.map((name) => {
    const value = given[name]
    return [name, typeof value === 'string' ? value.trim() : '']
  })
  return Object.fromEntries(texts) as Fields
}

/** Empty fields are left out; what cannot be read goes on as it is, and the API says what is wrong with it. */
export function registrationBody(fields: Fields): Record<string, unknown> {
  const { task_token, callback_url, status_url, events, percent_step, metadata, secret, expires_in } = fields
  return {
    task_token,
    callback_url,
    ...(status_url !== '' && { status_url }),
    ...(events !== '' && { events: events.split(/[\s,]+/).filter((one) => one !== '') }),
    ...(percent_step !== '' && { percent_step: numberOr(percent_step) }),
    ...(metadata !== '' && { metadata: metadataOf(metadata) }),
    ...(secret !== '' && { secret }),
    ...(expires_in !== '' && { expires_in: numberOr(expires_in) }),
  }
}

function numberOr(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

/** Lines of `name=value`; a line without `=` is a name with an empty value. */
function metadataOf(text: string): Record<string, string> {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

/** To paste into a shell. A secret and the key are named, not shown. */
export function curlText(origin: string, fields: Fields): string {
  const shown = registrationBody({
    ...fields,
    task_token: fields.task_token || '<task token>',
    callback_url: fields.callback_url || 'https://app.example.com/hooks',
    secret: fields.secret === '' ? '' : 'whsec_…',
  })
  const body = JSON.stringify(shown, null, 2).replaceAll("'", "'\\''")
  return [
    `curl ${origin}/v1/subscriptions \\`,
    `  -H "authorization: Bearer $POLLHOOK_KEY" \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n')
}
