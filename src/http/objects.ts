/**
 * JSON objects as valibot schemas. Valibot itself takes an array for an object, and its records drop the names
 * that JavaScript reserves in silence; here both are refused, at their path.
 */
import * as v from 'valibot'

/** An object with these fields and no other. */
export function strictObject<const E extends v.ObjectEntries>(entries: E) {
  return withoutArrays(v.strictObject(entries))
}

/** An object of any names, each with a text: kept exactly as given, or refused. */
export function textRecord() {
  return withoutReservedNames(withoutArrays(v.record(v.string(), v.string())))
}

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
