/** A replicator that does some things differently, for tests of what follows from it. */
import type { InnerReplicator } from '../../../src/log/inner.ts'

export const changedReplicator = (inner: InnerReplicator, changes: Partial<InnerReplicator>): InnerReplicator => ({
  append: (env, body, writeId) => inner.append(env, body, writeId),
  tail: (env, after, reader) => inner.tail(env, after, reader),
  snapshot: (env) => inner.snapshot(env),
  createEnvironment: (env, options) => inner.createEnvironment(env, options),
  deleteEnvironment: (env) => inner.deleteEnvironment(env),
  publish: (env) => inner.publish(env),
  restore: (env, revision) => inner.restore(env, revision),
  environments: () => inner.environments(),
  stalenessMs: (env) => inner.stalenessMs(env),
  status: () => inner.status(),
  close: () => inner.close(),
  ...changes,
})
