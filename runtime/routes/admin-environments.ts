/** The admin API's environments: which there are, new ones, and the end of one. */
import { decode, parseJson } from '../../src/wire/decode.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import { createEnvironmentRequest, deleteEnvironmentRequest } from '../../src/wire/requests.ts'
import type { EnvironmentBody, EnvironmentsBody, MessageBody } from '../../src/wire/responses.ts'
import type { Admin } from '../control-admin.ts'
import type { AdminRoute } from '../control-exchange.ts'
import { json } from '../reply.ts'

export const environmentRoutes: readonly AdminRoute[] = [
  {
    endpoint: endpoints.listEnvironments,
    handle({ admin }) {
      const ids = new Set([...admin.control.placed().map(({ id }) => id), ...admin.environments().map(({ id }) => id)])
      return json({ environments: [...ids].toSorted().map((id) => environmentBody(admin, id)) } satisfies EnvironmentsBody)
    },
  },
  {
    endpoint: endpoints.createEnvironment,
    handle(call, { repetitions }) {
      return repetitions.run(call, async () => {
        const { admin, body } = call
        const { id, partition } = decode(createEnvironmentRequest, parseJson(body))
        const changed = await admin.createEnvironment(id, partition ?? null)
        return { ...json(environmentBody(admin, id)), ...changed }
      })
    },
  },
  {
    endpoint: endpoints.deleteEnvironment,
    handle(call, { repetitions }) {
      return repetitions.run(call, async () => {
        const { id } = decode(deleteEnvironmentRequest, parseJson(call.body))
        const changed = await call.admin.deleteEnvironment(id)
        return { ...json({ message: `environment \`${id}\` is deleted` } satisfies MessageBody), ...changed }
      })
    },
  },
]

const environmentBody = (admin: Admin, id: string): EnvironmentBody => {
  const placed = admin.control.find(id)
  const environment = admin.find(id)
  return {
    id,
    partition: placed?.partition ?? null,
    temporary: placed === undefined && environment !== undefined,
    revision: environment === undefined ? null : environment.store.revision(),
    facts: environment === undefined ? null : environment.store.totals().total,
    keys: admin.keys.records().filter((key) => key.environment === id).length,
    problem: environment === undefined ? (admin.serves(id) ? null : 'not loaded') : environment.problem,
  }
}
