/** A loaded data set: facts applied as from a log, the engine over them, and the reference beside it. */
import { ActivePolicy } from '../../snapshots/active-policy.ts'
import type { StorePool } from '../../snapshots/store-pool.ts'
import { assert } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import type { Fact } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import type { Engine, Request } from '../../src/engine/engine.ts'
import { apply } from '../../src/log/apply.ts'
import type { RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'
import type { Answers, DataSet } from './data-set.ts'
import { Samples, threadMs } from './timing.ts'

/** Facts per record. */
const BATCH = 1000

/** A store that was filled through `apply`, its policy active as in a runtime. */
export interface Loaded {
  readonly size: string
  readonly data: DataSet
  readonly store: Store
  readonly policy: CheckedPolicy
  readonly engine: Engine
  readonly facts: number
  /** One sample per record of 1,000 facts. */
  readonly batches: Samples
  /** Processor time of all of them. */
  readonly busyMs: number
}

export interface World extends Loaded {
  readonly reference: Answers
}

/** What a route gives the engine for a request without context facts. */
export const plainRequest: Request = { contextFacts: [], unixSeconds: 1_800_000_000, nowMs: () => performance.now(), timeoutMs: 2000 }

/** Applies the policy and every fact to an empty store, in records of 1,000. Only `apply` is timed. */
export const load = (store: Store, size: string, data: DataSet): Loaded => {
  const active = new ActivePolicy(store)
  active.start()
  const batches = new Samples()
  let revision = 0
  let facts = 0
  let busyMs = 0
  const write = (body: RecordBody): void => {
    const record = { format: 1, logId: 'bench', writeId: `w${revision}`, appendedAtMs: 0, body } as const
    const work = () => apply(store, [{ revision, record }])
    const before = threadMs()
    const { policyChanged } = body.kind === 'facts' ? batches.time(work) : work()
    if (body.kind === 'facts') busyMs += threadMs() - before
    if (policyChanged) active.change()
    revision += 1
  }
  write({ kind: 'genesis' })
  write({ kind: 'policy', source: data.policy, filename: data.filename })
  for (const batch of batchesOf(data.facts(), BATCH)) {
    write({ kind: 'facts', changes: batch.map((fact) => ({ kind: 'insert', fact })) })
    facts += batch.length
  }
  assert(active.problem === null, 'the policy of the bench compiles')
  return { size, data, store, policy: active.policy, engine: active.engine, facts, batches, busyMs }
}

/** The store over an image, with its policy active and its dictionary in memory: what a process has after its start and after every swap. */
export const overImage = (image: Uint8Array, pool: StorePool): ActivePolicy => {
  const writer = pool.receive(image.length)
  writer.write(image)
  const active = new ActivePolicy(writer.finish())
  active.start()
  assert(active.problem === null, 'the policy of the image compiles')
  while (!active.store.warm(limits.warmValues));
  return active
}

/** The same data over an image; what it was loaded into is given back. */
export const asStarted = (loaded: Loaded, pool: StorePool): Loaded => {
  const active = overImage(loaded.store.database.serialize(), pool)
  loaded.engine.close()
  loaded.store.database.close()
  return { ...loaded, store: active.store, policy: active.policy, engine: active.engine }
}

export const withReference = (loaded: Loaded): World => ({ ...loaded, reference: loaded.data.answers() })

export function* batchesOf(facts: Iterable<Fact>, size: number): Generator<Fact[]> {
  let batch: Fact[] = []
  for (const fact of facts) {
    batch.push(fact)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
