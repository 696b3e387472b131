/** The OpenAPI description of the HTTP API, made from the schemas that the program decodes with. */
import * as z from 'zod/mini'
import { known } from '../base/assert.ts'
import { type Endpoint, endpoints } from './endpoints.ts'
import { type Operation, operations } from './operations.ts'
import { responseSchemas } from './response-schemas.ts'
import { id, mapItems } from './shapes.ts'

type Json = Readonly<Record<string, unknown>>

/** That of the package: a test compares them. */
const VERSION = '0.1.0'

/** An OpenAPI 3.1 document. */
export const openApi = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Arctos',
    version: VERSION,
    description: 'Authorization: may this actor do this action on this resource? Keys are `Authorization: Bearer <key>`.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  components: {
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'the key of an environment: `e_<environment>_<token id>_<secret>`' },
      admin: { type: 'http', scheme: 'bearer', description: 'the admin key: `a_<secret>`' },
      secret: { type: 'http', scheme: 'bearer', description: 'the secret of the cell' },
    },
    schemas: { Message: schemaOf(responseSchemas.message, 'output') },
  },
  paths: paths(),
})

const paths = (): Json => {
  const byPath: Record<string, Record<string, Json>> = {}
  const described = new Map(Object.entries(operations))
  for (const [name, endpoint] of Object.entries(endpoints)) {
    const path = endpoint.path.replace('*', '{key}')
    const operation = known(described.get(name), 'an operation of every endpoint')
    byPath[path] = { ...byPath[path], [endpoint.method.toLowerCase()]: describe(name, endpoint, operation) }
  }
  return byPath
}

const describe = (name: string, { access }: Endpoint, operation: Operation): Json => ({
  operationId: name,
  summary: operation.summary,
  security: access === 'open' ? [] : [{ [access === 'admin' || access === 'secret' ? access : 'key']: [] }],
  parameters: [...(operation.parameters ?? []), ...(access === 'open' ? [] : headersOf(access))],
  ...(operation.request !== undefined && {
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(operation.request, 'input') } } },
  }),
  responses: { ...successes(operation), ...refusals(access, operation) },
})

const header = (name: string, description: string, schema: Json): Json => ({ name, in: 'header', required: false, description, schema })

const headersOf = (access: Endpoint['access']): readonly Json[] => [
  header('X-Request-ID', 'comes back in the answer; makes the repetition of a write recognisable', {
    type: 'string',
    pattern: '^[!-~]{1,128}$',
  }),
  ...(access === 'read'
    ? [header('OsoOffset', 'the position that the answer must have reached', { type: 'string', pattern: '^[!-~]*$' })]
    : []),
]

const successes = ({ answer, also = [] }: Operation): Json => {
  const content = typeof answer === 'string' ? { [answer]: { schema: {} } } : { 'application/json': { schema: schemaOf(answer, 'output') } }
  const more = also.map((status): readonly [number, Json] => [
    status,
    status === 304 ? { description: 'not changed' } : { description: 'nothing to do', content },
  ])
  return { 200: { description: 'done', content }, ...Object.fromEntries<Json>(more) }
}

const message = { 'application/json': { schema: { $ref: '#/components/schemas/Message' } } }

const refusals = (access: Endpoint['access'], { refusals: more = [], refused }: Operation): Json => {
  const content = refused === undefined ? message : { 'application/json': { schema: schemaOf(refused, 'output') } }
  const statuses = [400, ...(access === 'open' ? [] : [401, 413, 429]), ...(access === 'write' ? [403] : []), ...more, 503]
  return Object.fromEntries(
    statuses
      .toSorted((left, right) => left - right)
      // Only what the endpoint itself refuses has its form.
      .map((status) => [
        status,
        { description: descriptions[status], content: status === 400 || refused !== undefined ? content : message },
      ]),
  )
}

const descriptions: Readonly<Record<number, string>> = {
  400: 'the request is refused',
  401: 'the key is missing or unknown',
  403: 'the key or this process does not allow it',
  404: 'there is no such thing',
  409: 'not now, or not any more',
  413: 'the body is too large',
  429: 'too many requests: `Retry-After` says when to come back',
  503: 'not available at the moment: `Retry-After` says when to come back',
}

const schemaOf = (schema: z.ZodMiniType, io: 'input' | 'output'): Json => {
  const described = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
    // What a schema reaches by a transformation, told as it arrives.
    override({ zodSchema, jsonSchema }) {
      if (zodSchema === id) replace(jsonSchema, { anyOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }, { type: 'boolean' }] })
      const items = mapItems.get(zodSchema)
      if (items !== undefined) replace(jsonSchema, { type: 'object', additionalProperties: schemaOf(items, io) })
    },
  })
  // Which dialect it is the document says.
  return Object.fromEntries(Object.entries(described).filter(([key]) => key !== '$schema'))
}

const replace = (target: object, by: Json): void => {
  for (const key of Object.keys(target)) Reflect.deleteProperty(target, key)
  Object.assign(target, by)
}
