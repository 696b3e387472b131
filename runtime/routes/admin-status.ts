/** `/v1/status`: the state of this process, its log and each of its environments. */
import type { EnvironmentStatus, InnerReplicator } from '../../src/log/inner.ts'
import { LogError } from '../../src/log/log.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import type { EnvironmentStatusBody, StatusBody } from '../../src/wire/responses.ts'
import type { AdminRoute } from '../control-exchange.ts'
import { json } from '../reply.ts'
import type { Environment } from '../service.ts'

export const statusRoute: AdminRoute = {
  endpoint: endpoints.status,
  async handle({ admin }, service) {
    const { known, problem } = await environmentsOf(admin.replicator)
    const { state, logId, problem: appendProblem, pending } = admin.replicator.status()
    const heads = new Map(known.map(({ env, last }) => [env, last]))
    const environments = [
      ...[admin.environment, ...admin.environments()].map((environment) => statusOf(environment, heads.get(environment.id) ?? null)),
      ...admin.idle().map((id) => idleStatus(id, heads.get(id) ?? null)),
    ]
    const log = { id: logId, state, problem: appendProblem?.message ?? problem, pending_appends: pending }
    return json({ unready: service.unready(), log, environments } satisfies StatusBody)
  },
}

/** A replicator that does not answer is a state to report, no failure of the report. */
const environmentsOf = async (
  replicator: InnerReplicator,
): Promise<{ readonly known: readonly EnvironmentStatus[]; readonly problem: string | null }> => {
  try {
    return { known: await replicator.environments(), problem: null }
  } catch (error) {
    if (error instanceof LogError) return { known: [], problem: error.message }
    throw error
  }
}

const statusOf = (environment: Environment, head: number | null): EnvironmentStatusBody => ({
  id: environment.id,
  revision: environment.store.revision(),
  head,
  lag: head === null ? null : Math.max(0, head - environment.through),
  staleness_ms: environment.stalenessMs(),
  problem: environment.problem,
})

/** What is not in memory follows nothing. */
const idleStatus = (id: string, head: number | null): EnvironmentStatusBody => ({
  id,
  revision: null,
  head,
  lag: null,
  staleness_ms: null,
  problem: null,
})
