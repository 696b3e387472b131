/** The admin API's keys: which there are, never the keys themselves; new ones, shown once; and their end. */
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { createKeyRequest, revokeKeyRequest } from '../../src/wire/requests.ts'
import type { CreatedKeyBody, KeyBody, KeysBody, MessageBody } from '../../src/wire/responses.ts'
import type { AdminRoute } from '../control-exchange.ts'
import type { KeyRecord } from '../keys.ts'
import { json } from '../reply.ts'

export const keyRoutes: readonly AdminRoute[] = [
  {
    endpoint: endpoints.listKeys,
    handle({ admin, request }) {
      const environment = new URL(request.url).searchParams.get('environment')
      const records = admin.keys.records().filter((record) => environment === null || record.environment === environment)
      const keys = records.map((record) => keyBody(record, record.source))
      return json({ keys: keys.toSorted((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1)) } satisfies KeysBody)
    },
  },
  {
    endpoint: endpoints.createKey,
    handle(call, { repetitions }) {
      return repetitions.run(call, async (writeId) => {
        const { environment, access } = decode(createKeyRequest, parseJson(call.body))
        const { key, record, ...changed } = await call.admin.createKey(environment, access ?? 'read-write', writeId)
        return { ...json({ key, ...keyBody(record, 'control') } satisfies CreatedKeyBody), ...changed }
      })
    },
  },
  {
    endpoint: endpoints.revokeKey,
    handle(call, { repetitions }) {
      return repetitions.run(call, async (writeId) => {
        const { environment, token_id: tokenId } = decode(revokeKeyRequest, parseJson(call.body))
        const changed = await call.admin.revokeKey(environment, tokenId, writeId)
        return { ...json({ message: `key \`${tokenId}\` is revoked` } satisfies MessageBody), ...changed }
      })
    },
  },
]

const keyBody = ({ environment, tokenId, access }: KeyRecord, source: KeyBody['source']): KeyBody => ({
  environment,
  token_id: tokenId,
  access,
  source,
})

const sortKey = ({ environment, token_id: tokenId }: KeyBody): string => `${environment}_${tokenId}`
