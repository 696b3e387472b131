/** A replicator that passes everything on to another one, but for what tests change. */
import type { InnerReplicator } from '../../../src/log/inner.ts'

export const passOn = (inner: InnerReplicator, changes: Partial<InnerReplicator> = {}): InnerReplicator => ({
  append: (...args) => inner.append(...args),
  tail: (...args) => inner.tail(...args),
  snapshot: (...args) => inner.snapshot(...args),
  createEnvironment: (...args) => inner.createEnvironment(...args),
  deleteEnvironment: (...args) => inner.deleteEnvironment(...args),
  publish: (...args) => inner.publish(...args),
  restore: (...args) => inner.restore(...args),
  environments: () => inner.environments(),
  stalenessMs: (...args) => inner.stalenessMs(...args),
  status: () => inner.status(),
  close: () => inner.close(),
  ...changes,
})
