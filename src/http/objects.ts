/**
 * What JSON is made of as valibot schemas. Valibot itself takes an array for an object, and its records drop the names
 * that JavaScript reserves in silence; here both are refused, at their path. It also looks at all that is in a value
 * before it asks how much that is; here the size comes first.
 */
import * as v from 'valibot'

/** An object with these fields and no other. */
export function strictObject<const E extends v.ObjectEntries>(entries: E) {
  return withoutArrays(v.strictObject(entries))
}

/** How much of something a request may have, and what is said of more. */
interface Limit {
  max: number
  message: string
}

/** An object of any names, at most so many, each with a text: kept exactly as given, or refused. */
export function textRecord({ max, message }: Limit) {
  const record = sizeFirst(v.record(v.string(), v.string()), { max, message }, entriesIn)
  // Once more, for the document, which is made of what a pipe says.
  return v.pipe(withoutReservedNames(withoutArrays(record)), v.maxEntries(max, message))
}

/** An array of at most so many items. */
export function list<const S extends v.GenericSchema>(item: S, { max, message }: Limit) {
  return v.pipe(sizeFirst(v.array(item), { max, message }, itemsIn), v.maxLength(max, message))
}

/** A string of at most so many characters. */
export function text({ max, message }: Limit) {
  return v.pipe(sizeFirst(v.string(), { max, message }, charactersIn), v.maxLength(max, message))
}

/** What is too large is refused unseen: a body has room for half a million items, each with faults of its own. */
function sizeFirst<const S extends v.GenericSchema>(
  schema: S,
  { max, message }: Limit,
  sizeOf: (value: unknown) => number,
): S {
  return lookingFirst(schema, (dataset, config) => {
    if (sizeOf(dataset.value) <= max) return
    v._addIssue<v.GenericSchema>(schema, 'size', dataset, config, { message })
  })
}

/** What is of another type has nothing of this: the schema says so. */
const charactersIn = (value: unknown) => (typeof value === 'string' ? value.length : 0)
const itemsIn = (value: unknown) => (Array.isArray(value) ? value.length : 0)
const entriesIn = (value: unknown) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0

/** Before `schema` looks, as it answers with a copy in which an array can no longer be told. */
function withoutArrays<const S extends v.GenericSchema>(schema: S): S {
  return lookingFirst(schema, (dataset, config) => {
    if (Array.isArray(dataset.value)) v._addIssue<v.GenericSchema>(schema, 'type', dataset, config)
  })
}

/** `JSON.parse` makes fields of them, as of any other name; valibot's copy would be without. */
const reservedNames = ['__proto__', 'constructor', 'prototype']

function withoutReservedNames<const S extends v.GenericSchema>(schema: S): S {
  return lookingFirst(schema, (dataset, config) => {
    const input = dataset.value
    if (typeof input !== 'object' || input === null) return
    for (const key of reservedNames.filter((name) => Object.hasOwn(input, name))) {
      v._addIssue<v.GenericSchema>(schema, 'key', dataset, config, {
        message: 'has a name that is reserved; choose another',
        path: [{ type: 'unknown', origin: 'key', input, key, value: key }],
      })
    }
  })
}

type Look = (...given: Parameters<v.GenericSchema['~run']>) => void

/** `schema`, asked only when `look` has added no issue. */
function lookingFirst<const S extends v.GenericSchema>(schema: S, look: Look): S {
  const run: v.GenericSchema['~run'] = (dataset, config) => {
    look(dataset, config)
    if (dataset.issues === undefined) return schema['~run'](dataset, config)
    return dataset as unknown as v.FailureDataset<v.BaseIssue<unknown>>
  }
  return v._standardSchema<S>({ ...schema, '~run': run })
}
