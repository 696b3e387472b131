/** What `inspect` prints of an environment. */
import type { EnvironmentDetailsBody, SnapshotStateBody } from '../../src/wire/responses.ts'
import { countOf } from './output.ts'
import { versionText } from './policy-history.ts'

/** One line per finding; names of predicates and types in their order. */
export const overviewLines = (details: EnvironmentDetailsBody): readonly string[] => [
  `environment ${details.id}`,
  `revision ${details.revision}, staleness ${details.staleness_ms === null ? 'unknown' : `${details.staleness_ms} ms`}, state ${details.state_hash}`,
  ...(details.problem === null ? [] : [`problem: ${details.problem}`]),
  ...policyLines(details),
  `facts ${details.facts.total}`,
  ...Object.entries(details.facts.predicates)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([predicate, count]) => `  ${predicate} ${count}`),
  `memory ${bytesText(details.memory_bytes)}`,
  snapshotLine(details.snapshot),
]

const policyLines = ({ policy, policy_versions: kept }: EnvironmentDetailsBody): readonly string[] => {
  if (policy === null) return [`policy none, ${kept} versions kept`]
  const types = Object.entries(policy.types).map(([type, { roles, permissions, relations }]) => {
    const members = [countOf(roles, 'role'), countOf(permissions, 'permission'), countOf(relations, 'relation')]
    return `  ${type} ${members.join(', ')}`
  })
  return [
    `policy ${versionText(policy)}, ${countOf(kept, 'version')} kept`,
    `  ${countOf(policy.rules, 'rule')}, ${countOf(policy.tests, 'test')}`,
    ...types,
  ]
}

const snapshotLine = (snapshot: SnapshotStateBody | null): string => {
  if (snapshot === null) return 'snapshot none that this server sees'
  const {
    revision,
    covered_through: through,
    snapshots,
    deltas,
    stored_bytes: storedBytes,
    raw_bytes: rawBytes,
    written_at_ms: writtenAtMs,
  } = snapshot
  const kept = `${countOf(snapshots, 'snapshot')} and ${countOf(deltas, 'delta')} in ${bytesText(storedBytes)}`
  return `snapshot of revision ${revision}, with deltas through ${through}, ${bytesText(rawBytes)}; ${kept}; written ${new Date(writtenAtMs).toISOString()}`
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.5 MiB` */
export const bytesText = (bytes: number): string => {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power] ?? ''}`
}
