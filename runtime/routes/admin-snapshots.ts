/** The admin API's snapshots: cut one now, or go back to a retained revision. */
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { restoreRequest, snapshotRequest } from '../../src/wire/requests.ts'
import type { RestoredBody, SnapshotBody } from '../../src/wire/responses.ts'
import type { AdminRoute } from '../control-exchange.ts'
import { json } from '../reply.ts'

export const snapshotRoutes: readonly AdminRoute[] = [
  {
    endpoint: endpoints.publishSnapshot,
    async handle({ admin, body }) {
      const { environment } = decode(snapshotRequest, parseJson(body))
      const { revision, coveredThrough, key } = await admin.publish(environment)
      return json({ environment, revision, covered_through: coveredThrough, key } satisfies SnapshotBody)
    },
  },
  {
    endpoint: endpoints.restoreEnvironment,
    handle(call, { repetitions }) {
      return repetitions.run(call, async () => {
        const { environment, revision } = decode(restoreRequest, parseJson(call.body))
        const restored = await call.admin.restore(environment, revision)
        return { ...json({ environment, revision: restored.revision } satisfies RestoredBody), applied: restored.applied }
      })
    },
  },
]
