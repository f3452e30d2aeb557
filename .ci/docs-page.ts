/** The OpenAPI document as one Markdown page: a section per call, and the shapes that they share. */
import { type Document, type Operation, type Parameter, refName, type Schema } from './docs-schema.ts'

export function apiPage(document: Document): string {
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      title: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  const tagged = document.tags.flatMap(({ name, description }) => [
    `## ${name}`,
    description,
    ...calls
      .filter(({ operation }) => operation.tags?.includes(name))
      .flatMap(({ title, operation }) => callSection(title, operation)),
  ])
  const hooks = Object.values(document.webhooks).flatMap(({ post }) => callSection(post.summary, post))
  const shapes = Object.entries(document.components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, schema]) => [`### ${name}`, ...fieldTable(schema)])
  return `${[
    '<!-- Made from the OpenAPI document by `npm run docs`; do not edit. -->',
    `# ${document.info.title}: the API`,
    document.info.description,
    'The same as OpenAPI 3.1 is at `/openapi.json` of a running relay, and at `/docs` to try it.',
    ...tagged,
    '## Webhooks',
    ...hooks,
    '## Shapes',
    ...shapes,
  ].join('\n\n')}\n`
}

function callSection(title: string, operation: Operation): string[] {
  const { summary, description, security, parameters = [], requestBody, responses } = operation
  const open = security?.length === 0
  const lines = [`### ${title}`]
  if (title !== summary) lines.push(`${sentence(summary)}${open ? ' No API key needed.' : ''}`)
  if (description !== undefined) lines.push(description)
  if (parameters.length > 0) lines.push(parameterTable(parameters))
  for (const [kind, { schema, example }] of Object.entries(requestBody?.content ?? {})) {
    lines.push(
      `${requestBody?.required ? 'Body' : 'Body, optional'}, \`${kind}\`: ${typeLabel(schema ?? {})}.`,
    )
    if (schema !== undefined && schema.$ref === undefined) lines.push(...fieldTable(schema))
    if (example !== undefined) lines.push(fenced(example))
  }
  const rows = Object.entries(responses).map(([status, { description: text, content = {} }]) => {
    const shapes = Object.entries(content).map(([kind, { schema }]) =>
      kind === 'application/json' || kind === 'application/problem+json'
        ? typeLabel(schema ?? {})
        : `\`${kind}\``,
    )
    return `| ${status} | ${cell(text)} | ${shapes.join(', ')} |`
  })
  lines.push(['| answer | means | body |', '|---|---|---|', ...rows].join('\n'))
  for (const [status, { content }] of Object.entries(responses)) {
    const example = content?.['application/json']?.example
    if (!status.startsWith('2') || example === undefined) continue
    if (!lines.includes(fenced(example))) lines.push(`Answer, ${status}:`, fenced(example))
  }
  return lines
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, in: place, required, description, schema }) => {
    const text = [description ?? schema.description, limits(schema)].filter(Boolean).join(' ')
    return `| \`${name}\` | ${place}${required ? ', required' : ''} | ${typeLabel(schema)} | ${cell(text)} |`
  })
  return ['| parameter | in | type | |', '|---|---|---|---|', ...rows].join('\n')
}

function fieldTable({ properties = {}, required = [] }: Schema): string[] {
  const rows = fields(properties, required).map(
    ([name, schema, needed]) =>
      `| \`${name}\` | ${typeLabel(schema)}${needed ? '' : ', optional'} | ${cell(notes(schema))} |`,
  )
  return rows.length === 0 ? [] : [['| field | type | |', '|---|---|---|', ...rows].join('\n')]
}

/** Those of objects within objects too, under dotted names. */
function fields(
  properties: Record<string, Schema>,
  required: readonly string[],
  prefix = '',
): [name: string, schema: Schema, needed: boolean][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const list = schema.type === 'array' ? '[]' : ''
    const inner = list === '' ? withoutNull(schema) : (schema.items ?? {})
    const name = `${prefix}${key}`
    return [
      [name, schema, required.includes(key)] as [string, Schema, boolean],
      ...fields(inner.properties ?? {}, inner.required ?? [], `${name}${list}.`),
    ]
  })
}

function withoutNull(schema: Schema): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null')
  return others?.length === 1 ? others[0]! : schema
}

function typeLabel(schema: Schema): string {
  if (schema.$ref !== undefined) return `[${refName(schema.$ref)}](#${refName(schema.$ref).toLowerCase()})`
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(' \\| ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeLabel).join(' \\| ')
  if (schema.type === 'array') return `array of ${typeLabel(schema.items ?? {})}`
  if (schema.type === 'object' && schema.properties?.data !== undefined) {
    return `page of ${typeLabel(schema.properties.data.items ?? {})}`
  }
  if (schema.type === 'string' && schema.format === 'date-time') return 'time'
  return schema.type ?? 'anything'
}

function notes(schema: Schema): string {
  const inner = withoutNull(schema)
  return [schema.description ?? inner.description, limits(inner)].filter(Boolean).join(' ')
}

function limits(schema: Schema): string {
  const { minimum, maximum, maxLength, minItems, maxItems, maxProperties, pattern } = schema
  const said: string[] = []
  if (minimum !== undefined || maximum !== undefined) said.push(`${minimum ?? ''} to ${maximum ?? '…'}`)
  if (maxLength !== undefined) said.push(`at most ${maxLength} characters`)
  if (maxItems !== undefined) said.push(`${minItems ?? 0} to ${maxItems} items`)
  if (maxProperties !== undefined) said.push(`at most ${maxProperties} entries`)
  if (pattern !== undefined) said.push(`matches \`${pattern}\``)
  if (schema.default !== undefined) said.push(`default \`${JSON.stringify(schema.default)}\``)
  return said.length === 0 ? '' : `(${said.join('; ')})`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function fenced(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``
}
