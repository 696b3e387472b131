/** Holds answers to what the OpenAPI description says of them. */
import { known } from '../../src/base/assert.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { type Operation, operations } from '../../src/wire/operations.ts'
import { responseSchemas } from '../../src/wire/response-schemas.ts'

const byPlace = new Map<string, Operation>()
const described = new Map(Object.entries(operations))
for (const [name, { method, path }] of Object.entries(endpoints)) {
  byPlace.set(`${method} ${path}`, known(described.get(name), 'an operation of every endpoint'))
}

/** What is wrong about an answer, or null. Answers of what is no endpoint have no description. */
export const undescribed = (method: string, path: string, status: number, body: unknown): string | null => {
  const operation = byPlace.get(`${method} ${path.replace(/\?.*$/s, '').replace(/\/{2,}/g, '/')}`)
  if (operation === undefined || status === 500) return null
  const isSuccess = status === 200 || (operation.also?.includes(status) ?? false)
  const schema = isSuccess ? operation.answer : schemaOfRefusal(operation)
  if (typeof schema === 'string') return null
  const result = schema.safeParse(body)
  if (result.success) return null
  const issues = result.error.issues.map(({ path: place, message }) => `${place.join('.')}: ${message}`).join('; ')
  return `${method} ${path} answered ${status} with what its description does not allow: ${issues}`
}

const schemaOfRefusal = (operation: Operation) => operation.refused ?? responseSchemas.message
