/** Runs a valibot schema over a part of a request and turns its issues into a problem. */
import type { Context } from 'hono'
import { validator } from 'hono-openapi'
import type * as v from 'valibot'
import { getDotPath } from 'valibot'
import { taskTokenPattern } from '../core/task-token.ts'
import type { HttpEnv } from './deps.ts'
import { type Fault, type Problem, problem, throwable } from './problem.ts'

type Schema = v.GenericSchema

/** Validates the JSON body that `jsonBody` has read. @throws invalid_request as a problem */
export function validBody<const S extends Schema>(schema: S) {
  return validator<S, 'json', HttpEnv, string>('json', schema, refuse)
}

/** Validates the query string. @throws invalid_request as a problem */
export function validQuery<const S extends Schema>(schema: S) {
  // The document shows what a parameter means (an integer), not the string that it arrives as.
  const asOutput = { options: { typeMode: 'output' } }
  return validator<S, 'query', HttpEnv, string>('query', schema, refuse, asOutput as object)
}

function refuse(result: { success: boolean; error?: readonly unknown[] }): void {
  if (result.success) return
  // The standard interface types issues narrowly; valibot's own are what arrives.
  throw throwable(invalid(result.error as readonly v.BaseIssue<unknown>[]))
}

const faultsMax = 20

/** The problem that tells of `issues`. */
export function invalid(issues: Iterable<v.BaseIssue<unknown>>): Problem {
  const errors = firstOfEachPath(issues)
  return { code: 'invalid_request', detail: sentence(errors), errors }
}

/** A value that breaks one rule often breaks the next one too; the first says enough, and so do the first paths. */
function firstOfEachPath(issues: Iterable<v.BaseIssue<unknown>>): Fault[] {
  const faults = new Map<string, Fault>()
  for (const issue of issues) {
    const path = getDotPath(issue) ?? ''
    if (!faults.has(path)) faults.set(path, { path, message: message(issue) })
    if (faults.size === faultsMax) break
  }
  return [...faults.values()]
}

function sentence(errors: readonly Fault[]): string {
  const first = errors[0]
  if (first === undefined) return 'The request is not valid.'
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `${first.path === '' ? 'The body' : first.path} ${first.message}${more}.`
}

/** Valibot's own wording is replaced where Pollhook can say what to do; messages of the schemas stand. */
function message(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    return 'is not a field of this request; remove it or check its spelling'
  }
  if (issue.received === 'undefined') return 'is required'
  if (issue.message.startsWith('Invalid ')) {
    const expected =
      issue.expected === 'Object' ? 'an object' : `a ${(issue.expected ?? 'valid value').toLowerCase()}`
    return `must be ${expected.replace(/^a array/, 'an array')}, not ${kind(issue.input)}`
  }
  return issue.message
}

/** The kind of a value; the value itself may be a secret. */
function kind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const idPattern = /^[a-z]+_[0-9A-Za-z_-]{1,64}$/

/** The `id` of the path. @throws not_found as a problem when it cannot be an id of this kind */
export function pathId(c: Context<HttpEnv>, prefix: 'sub' | 'dlv' | 'ep'): string {
  const id = c.req.param('id') ?? ''
  if (!id.startsWith(`${prefix}_`) || !idPattern.test(id)) throw notFound(prefix)
  return id
}

/** The `token` of the path. @throws not_found as a problem when it cannot be a task token */
export function pathToken(c: Context<HttpEnv>): string {
  const token = c.req.param('token') ?? ''
  if (!taskTokenPattern.test(token)) throw notFound('task')
  return token
}

const nouns = { sub: 'subscription', dlv: 'delivery', ep: 'endpoint', task: 'task' }

/** Not there and not this owner's are the same answer (CONTRACT §2). */
export function notFound(kindOf: keyof typeof nouns): Error {
  return problem('not_found', `You have no such ${nouns[kindOf]}.`)
}
