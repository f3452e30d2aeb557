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
  return withoutArrays(v.record(v.string(), v.string()))
}

/** Before `schema` looks, as it answers with a copy in which an array can no longer be told. */
function withoutArrays<const S extends v.GenericSchema>(schema: S): S {
  const run: v.GenericSchema['~run'] = (dataset, config) => {
    if (!Array.isArray(dataset.value)) return schema['~run'](dataset, config)
    v._addIssue<v.GenericSchema>(schema, 'type', dataset, config)
    return dataset as unknown as v.FailureDataset<v.BaseIssue<unknown>>
  }
  return v._standardSchema<S>({ ...schema, '~run': run })
}
