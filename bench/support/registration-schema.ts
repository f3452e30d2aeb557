/** A registration as valibot alone would check it: the shape that both sides of the measure receive. */
import { array, maxLength, minLength, object, optional, pipe, record, regex, string, url } from 'valibot'

export const registrationSchema = object({
  task_token: pipe(string(), regex(/^[a-f0-9]{32}$/)),
  callback_url: pipe(string(), url(), maxLength(2048)),
  events: optional(pipe(array(string()), minLength(1), maxLength(20)), ['*']),
  metadata: optional(record(string(), string()), {}),
})
