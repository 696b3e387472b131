/** Local authorization: its endpoints are known, and refused as long as this version does not build their SQL. */
import { ApiError } from '../../src/wire/api-error.ts'
import { parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import type { Route } from '../exchange.ts'

const names = ['authorizeQuery', 'listQuery', 'actionsQuery', 'evaluateQueryLocal'] as const

export const localRoutes: readonly Route[] = names.map((endpointName) => ({
  endpoint: endpoints[endpointName],
  handle({ body }) {
    parseJson(body)
    throw new ApiError('not-available', 'local authorization is not available in this version')
  },
}))
