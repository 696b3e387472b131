/** Applies records to what a replica answers from. */
import { apply, type RestoreRecord } from '../src/log/apply.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Recording } from './recording.ts'

/** The restore record that stopped it, or null. Throws as `apply` does: the records in front of the one that is refused are applied, and recorded. */
export const applyToActive = (
  active: ActivePolicy,
  records: readonly RevisedRecord[],
  recording: Recording | null,
): RestoreRecord | null => {
  const before = active.store.revision()
  let policyChanged = true
  try {
    // Constants are interned when a policy becomes active: replay has no use for those of older ones.
    const outcome = apply(active.store, records)
    policyChanged = outcome.policyChanged
    return outcome.restore
  } finally {
    const now = active.store.revision()
    recording?.add(records.filter(({ revision }) => revision > before && revision <= now))
    if (policyChanged) active.change()
  }
}
