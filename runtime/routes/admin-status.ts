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
    const environments = [admin.environment, ...admin.environments()].map((environment) =>
      statusOf(
        environment,
        known.find(({ env }) => env === environment.id),
      ),
    )
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

const statusOf = (environment: Environment, known: EnvironmentStatus | undefined): EnvironmentStatusBody => {
  const revision = environment.store.revision()
  const head = known?.last ?? null
  return {
    id: environment.id,
    revision,
    head,
    lag: head === null ? null : Math.max(0, head - environment.through),
    staleness_ms: environment.stalenessMs(),
    problem: environment.problem,
  }
}
