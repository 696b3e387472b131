/** What a publisher wrote, as tests look at it. */
import { expect } from 'vitest'
import { loadNewest } from '../../snapshots/load.ts'
import { LoadError } from '../../snapshots/load-error.ts'
import { type Manifest, manifestKey, manifestObjects, parseManifest } from '../../snapshots/manifest.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { known } from '../../src/base/assert.ts'
import type { RevisedRecord } from '../../src/log/log.ts'
import { facts, insert, wholeLog } from '../support/record.ts'
import { bytesOf, env, type Publisher, pool, stateOf, TestReplica, testPlatform } from './support.ts'

/** A genesis and a fact per revision. */
export const history = (count: number): readonly RevisedRecord[] =>
  wholeLog(...Array.from({ length: count - 1 }, (_, index) => facts(insert('has_role', `User:${index}`, 'String:owner'))))

export const manifestOf = (publisher: Publisher): Manifest => known(publisher.publication.manifest, 'something is published')

/** What the manifest in the store says, all of which is there. */
export const storedManifest = async (objects: ObjectStore): Promise<Manifest | null> => {
  if ((await objects.get(manifestKey(env))) === null) return null
  const manifest = parseManifest(await bytesOf(objects, manifestKey(env)))
  for (const key of manifestObjects(manifest)) expect(await objects.get(key)).not.toBeNull()
  return manifest
}

/** The state that a store leads to, and its position. */
export const loadedState = async (objects: ObjectStore): Promise<{ readonly state: unknown; readonly through: number }> => {
  const loaded = known(await loadNewest({ objects, env, pool, platform: testPlatform() }), 'something is published')
  try {
    expect(loaded.refused).toEqual([])
    return { state: stateOf(loaded.store), through: loaded.through }
  } finally {
    pool.release(loaded.store)
  }
}

/** The state of a log up to a position. */
export const stateAt = (records: readonly RevisedRecord[], through: number): unknown => {
  const replica = new TestReplica()
  replica.take(records.filter(({ revision }) => revision <= through))
  const state = stateOf(replica.store)
  replica.close()
  return state
}

/** What was loaded, or null where it cannot be had. */
export const unlessLoadFails = async <Loaded>(loading: Promise<Loaded>): Promise<Loaded | null> => {
  try {
    return await loading
  } catch (error) {
    if (error instanceof LoadError) return null
    throw error
  }
}
