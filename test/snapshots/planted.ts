/** Objects in the place of others, whose sizes and hashes are what the manifest says, and objects as earlier versions wrote them. */
import { type DeltaEntry, type Manifest, manifestKey, parseManifest, printManifest, type SnapshotEntry } from '../../snapshots/manifest.ts'
import { deltaKey, snapshotKey } from '../../snapshots/object-keys.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import { readDelta } from '../../snapshots/replay.ts'
import { uploadRawDelta } from '../../snapshots/upload.ts'
import { at, known } from '../../src/base/assert.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { makePool, testPlatform } from './follower-feed.ts'
import { bytesOf } from './support.ts'

export interface Place {
  readonly objects: ObjectStore
  readonly env: string
}

export const manifestIn = async ({ objects, env }: Place): Promise<Manifest> => parseManifest(await bytesOf(objects, manifestKey(env)))

export const putManifest = async ({ objects, env }: Place, manifest: Manifest): Promise<void> => {
  await objects.put(manifestKey(env), printManifest(manifest))
}

/** The newest snapshot from elsewhere as the newest one here, in front of those that are. */
export const plantSnapshot = async (from: Place, to: Place): Promise<SnapshotEntry> => {
  const entry = at((await manifestIn(from)).snapshots, 0)
  const planted = { ...entry, key: snapshotKey(to.env, entry.revision, entry.sha256) }
  await to.objects.put(planted.key, await bytesOf(from.objects, entry.key))
  const manifest = await manifestIn(to)
  const coveredThrough = Math.max(manifest.coveredThrough, planted.through)
  await putManifest(to, { ...manifest, snapshots: [planted, ...manifest.snapshots], coveredThrough })
  return planted
}

/** The last delta from elsewhere, of the same positions, in place of the last one here. */
export const plantDelta = async (from: Place, to: Place): Promise<DeltaEntry> => {
  const entry = known((await manifestIn(from)).deltas.at(-1), 'a delta')
  const planted = { ...entry, key: deltaKey(to.env, entry.first, entry.last, entry.sha256) }
  await to.objects.put(planted.key, await bytesOf(from.objects, entry.key))
  const manifest = await manifestIn(to)
  await putManifest(to, { ...manifest, deltas: manifest.deltas.with(-1, planted) })
  return planted
}

/** A store as versions made it that did not write down whose it is. */
export const asEarlier = ({ database }: Pick<Store, 'database'>): void => {
  const columns = 'id, format, schema_version, revision, log_id, state_hash, active_policy'
  const table = `create table meta (id integer primary key check (id = 1), format text not null, schema_version integer not null,
  revision integer not null, log_id text, state_hash text not null, active_policy integer) strict`
  database.exec(
    `create table kept as select ${columns} from meta; drop table meta; ${table}; insert into meta select * from kept; drop table kept`,
  )
}

/** How many columns tell whose it is. */
export const saysWhose = (database: Database): boolean => {
  const statement = database.prepare('select * from meta')
  const columns = at(statement.all(), 0).length
  statement.finalize()
  return columns === 8
}

/** Every delta in format 1. */
export const asEarlierDeltas = async (place: Place): Promise<Manifest> => {
  const manifest = await manifestIn(place)
  const to = { ...place, pool: makePool(), platform: testPlatform() }
  const deltas: DeltaEntry[] = []
  for (const delta of manifest.deltas) {
    const raw = await readDelta(to, delta)
    const { first, last } = delta
    deltas.push(
      await uploadRawDelta(to, {
        first,
        last,
        raw: Uint8Array.of(...raw.subarray(0, 4), 1, ...raw.subarray(5, 25), ...raw.subarray(26 + place.env.length)),
      }),
    )
  }
  const earlier = { ...manifest, deltas }
  await putManifest(place, earlier)
  return earlier
}
