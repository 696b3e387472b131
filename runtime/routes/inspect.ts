/** What is in an environment: the kept versions of its policy, counts, sizes, freshness, and what is published of it. */

import { LoadError } from '../../snapshots/load-error.ts'
import type { Manifest } from '../../snapshots/manifest.ts'
import { known } from '../../src/base/assert.ts'
import { utf8Length } from '../../src/base/text.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Store, StoredPolicy } from '../../src/store/facts.ts'
import { endpoints } from '../../src/wire/endpoints.ts'
import type { EnvironmentDetailsBody, PolicyHistoryBody, PolicyVersionBody, SnapshotStateBody } from '../../src/wire/responses.ts'
import type { Route } from '../exchange.ts'
import { failureFields } from '../failure-fields.ts'
import { json } from '../reply.ts'
import type { Service } from '../service.ts'

export const policyHistory: Route = {
  endpoint: endpoints.policyHistory,
  withoutPolicy: true,
  handle({ environment: { store } }) {
    return json({ versions: historyOf(store) } satisfies PolicyHistoryBody)
  },
}

export const inspectEnvironment: Route = {
  endpoint: endpoints.inspectEnvironment,
  withoutPolicy: true,
  async handle({ environment }, service) {
    const snapshot = await snapshotOf(environment.id, service)
    // After the wait: everything else is of one state.
    const { store } = environment
    const active = store.activePolicy()
    return {
      ...json({
        id: environment.id,
        revision: store.revision(),
        staleness_ms: environment.stalenessMs(),
        problem: environment.problem,
        state_hash: store.stateHash(),
        memory_bytes: store.database.memoryBytes(),
        policy: active === null ? null : { ...versionBody(active, active), ...summaryOf(environment.policy) },
        policy_versions: store.policyVersions().length,
        facts: store.totals(),
        snapshot,
      } satisfies EnvironmentDetailsBody),
      position: environment.position,
    }
  },
}

const historyOf = (store: Store): readonly PolicyVersionBody[] => {
  const active = store.activePolicy()
  return store
    .policyVersions()
    .map((version) => versionBody(known(store.policy(version), 'a version that is kept'), active))
    .toReversed()
}

const versionBody = ({ version, filename, source, createdAtMs }: StoredPolicy, active: StoredPolicy | null): PolicyVersionBody => ({
  version,
  filename,
  saved_at_ms: createdAtMs,
  size_bytes: utf8Length(source),
  active: version === active?.version,
})

const summaryOf = ({ rules, tests, metadata }: CheckedPolicy) => ({
  // The implicit ones are of no file.
  rules: rules.filter(({ span }) => span.file >= 0).length,
  tests: tests.length,
  types: Object.fromEntries(
    Object.entries(metadata).map(([type, { roles, permissions, relations }]) => [
      type,
      { roles: roles.length, permissions: permissions.length, relations: Object.keys(relations).length },
    ]),
  ),
})

/** An object store that does not answer, or holds something else, is no failure of the report: it is logged, and the state is unknown. */
const snapshotOf = async (env: string, { published, platform }: Service): Promise<SnapshotStateBody | null> => {
  if (published === null) return null
  try {
    const manifest = await published(env)
    return manifest === null ? null : stateOf(manifest)
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
    platform.log('warn', 'manifest-unreadable', { ...failureFields(error), environment: env })
    return null
  }
}

const stateOf = ({ snapshots, deltas, coveredThrough, createdAtMs }: Manifest): SnapshotStateBody => {
  const newest = known(snapshots[0], 'a manifest names a snapshot')
  return {
    revision: newest.revision,
    covered_through: coveredThrough,
    snapshots: snapshots.length,
    deltas: deltas.length,
    stored_bytes: [...snapshots, ...deltas].reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    raw_bytes: newest.rawBytes,
    written_at_ms: createdAtMs,
  }
}
