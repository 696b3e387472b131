/** Turns JSON text into a checked value: refusals name the field in one sentence. */
import type * as z from 'zod/mini'
import { ApiError } from './api-error.ts'

/** Parses JSON text; anything malformed is refused. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError('malformed-request', text.trim() === '' ? 'the body is empty, expected JSON' : 'the body is not valid JSON')
  }
}

/** Decodes a parsed body. The `error` text of each schema says what was expected: `a string`, `an array`. */
export const decode = <T>(schema: z.ZodMiniType<T>, body: unknown): T => {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ApiError('malformed-request', issue === undefined ? 'the body has a wrong shape' : describe(issue.path, issue.message, body))
}

const describe = (path: readonly PropertyKey[], expected: string, body: unknown): string => {
  const found = path.reduce<unknown>(memberOf, body)
  const field = path.length === 0 ? 'the body' : `\`${fieldName(path)}\``
  return found === undefined ? `${field} is missing, expected ${expected}` : `${field} must be ${expected}, found ${kindOf(found)}`
}

const memberOf = (value: unknown, key: PropertyKey): unknown => {
  if (typeof value !== 'object' || value === null) return undefined
  const member: unknown = Reflect.get(value, key)
  return member
}

/** `context_facts[0].args[1].type`; a name that a caller chose is cut, so that a message stays readable. */
const fieldName = (path: readonly PropertyKey[]): string =>
  path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key).slice(0, 64)}`)).join('')

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return value === '' ? 'an empty string' : 'a string'
  return typeof value === 'number' && !Number.isSafeInteger(value) ? 'a number that is no safe integer' : `a ${typeof value}`
}
