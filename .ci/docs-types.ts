/** The OpenAPI document as the types that openapi-fetch reads: `paths` and `components`. */
import { comment, type Document, type Media, type Operation, typeOf } from './docs-schema.ts'

export function clientTypes({ paths, components }: Document): string {
  const schemas = Object.entries(components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `    ${name}: ${typeOf(schema, '    ')}\n`)
  const routes = Object.entries(paths).map(([path, methods]) => {
    const calls = Object.entries(methods).map(
      ([method, operation]) => `${comment(operation.summary, '    ')}    ${method}: ${call(operation)}\n`,
    )
    return `  '${path}': {\n${calls.join('')}  }\n`
  })
  return [
    '/** The types of the REST API, made from the OpenAPI document by `npm run docs`; do not edit. */\n\n',
    `export interface paths {\n${routes.join('')}}\n\n`,
    `export interface components {\n  schemas: {\n${schemas.join('')}  }\n}\n`,
  ].join('')
}

function call({ parameters = [], requestBody, responses }: Operation): string {
  const places = (['query', 'header', 'path'] as const).map((place) => {
    const here = parameters.filter((parameter) => parameter.in === place)
    const needed = here.some(({ required }) => required)
    if (here.length === 0) return `        ${place}?: never\n`
    const properties = Object.fromEntries(
      here.map(({ name, schema, description }) => [name, { ...schema, ...(description && { description }) }]),
    )
    const required = here.filter((parameter) => parameter.required).map(({ name }) => name)
    const type = typeOf({ type: 'object', properties, required }, '        ')
    return `        ${place}${needed ? '' : '?'}: ${type}\n`
  })
  const body =
    requestBody === undefined
      ? '      requestBody?: never\n'
      : `      requestBody${requestBody.required ? '' : '?'}: { content: ${contentOf(requestBody.content)} }\n`
  const answers = Object.entries(responses).map(
    ([status, { content }]) =>
      `        ${status}: { headers: Record<string, unknown>; content: ${contentOf(content)} }\n`,
  )
  return `{\n      parameters: {\n${places.join('')}      }\n${body}      responses: {\n${answers.join('')}      }\n    }`
}

function contentOf(content: Record<string, Media> | undefined): string {
  if (content === undefined) return 'never'
  const kinds = Object.entries(content).map(
    ([kind, { schema }]) => `          '${kind}': ${typeOf(schema ?? {}, '          ')}\n`,
  )
  return `{\n${kinds.join('')}        }`
}
