/** The OpenAPI description: complete, true to the schemas that decode, and readable by tools. */
import { describe, expect, test } from 'vitest'
import { endpoints } from '../../src/wire/endpoints.ts'
import { openApi } from '../../src/wire/openapi.ts'

interface Described {
  readonly operationId: string
  readonly security: readonly Readonly<Record<string, unknown>>[]
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>>
}

interface Schema {
  readonly type?: unknown
  readonly anyOf?: unknown
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes: Readonly<Record<string, unknown>> }
}

// As a client gets it: by way of its text.
const document = JSON.parse(JSON.stringify(openApi())) as Document
const operationOf = (path: string, method: string): Described | undefined => document.paths[path]?.[method]
const bodyOf = (path: string): Schema | undefined => operationOf(path, 'post')?.requestBody?.content['application/json']?.schema

describe('the OpenAPI description', () => {
  test('has every endpoint, once, with what a key must allow', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path.replace('{key}', '*')}`),
    )
    const expected = Object.entries(endpoints).map(([name, { method, path }]) => `${name} ${method} ${path}`)
    expect(described.toSorted()).toEqual(expected.toSorted())
    const schemes = Object.keys(document.components.securitySchemes)
    for (const [name, { access, method, path }] of Object.entries(endpoints)) {
      const security = operationOf(path.replace('*', '{key}'), method.toLowerCase())?.security
      const key = access === 'admin' || access === 'secret' ? access : 'key'
      expect([name, security]).toEqual([name, access === 'open' ? [] : [{ [key]: [] }]])
      expect(schemes).toContain(key)
    }
  })

  test('tells what bodies hold as the program takes them', () => {
    const anyId = { anyOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }, { type: 'boolean' }] }
    expect(bodyOf('/api/authorize')?.properties).toMatchObject({
      actor_type: { type: 'string', minLength: 1 },
      actor_id: anyId,
      resource_id: anyId,
    })
    expect(bodyOf('/api/authorize')?.required).toEqual(['actor_type', 'actor_id', 'action', 'resource_type', 'resource_id'])
    const constraints = bodyOf('/api/evaluate_query')?.properties?.['constraints']
    expect(constraints).toMatchObject({ type: 'object', additionalProperties: { type: 'object', required: ['type'] } })
    // Whoever sends more is not refused.
    expect(bodyOf('/api/authorize')?.additionalProperties).toBeUndefined()
  })

  test('tells what answers hold, and nothing else is in them', () => {
    const answered = operationOf('/api/authorize', 'post')?.responses['200']?.content?.['application/json']?.schema
    expect(answered).toEqual({
      type: 'object',
      properties: { allowed: { type: 'boolean' } },
      required: ['allowed'],
      additionalProperties: false,
    })
    expect(Object.keys(operationOf('/api/batch', 'post')?.responses ?? {})).toEqual(['200', '400', '401', '403', '413', '429', '503'])
  })

  test('refers to nothing that is not there, and describes every parameter of a path', () => {
    const text = JSON.stringify(document)
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name)
    expect(references.length).toBeGreaterThan(50)
    for (const name of references) expect(Object.keys(document.components.schemas)).toContain(name)
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
      for (const { parameters } of Object.values(methods)) {
        const required = parameters.filter((parameter) => parameter.in === 'path' && parameter.required === true).map(({ name }) => name)
        expect(required).toEqual(names)
      }
    }
  })
})
