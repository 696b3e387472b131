/** Deltas from a position on: which of a manifest's go on without gap, and their records in order. */
import { assert } from '../src/base/assert.ts'
import { limits } from '../src/base/limits.ts'
import { apply, changesOf, turns } from '../src/log/apply.ts'
import type { RevisedRecord } from '../src/log/log.ts'
import type { Store } from '../src/store/facts.ts'
import { snapshotLimits } from './bounds.ts'
import { DeltaError, type DeltaRange, deltaRecords, partOf } from './delta.ts'
import { joinBytes } from './join-bytes.ts'
import { loadFailure } from './load-error.ts'
import type { DeltaEntry, Manifest } from './manifest.ts'
import { environmentOfKey } from './object-keys.ts'
import type { ObjectStore } from './object-store.ts'
import type { SnapshotPlatform } from './platform.ts'
import { type Expected, readStored } from './stored-object.ts'

export interface Chain {
  readonly deltas: readonly DeltaEntry[]
  /** Nothing up to here is missing once they are replayed. */
  readonly through: number
}

/** What a reader has memory for. */
export interface DeltaBounds {
  /** Fetched before they are replayed. */
  readonly ahead: number
  /** Of one, unpacked. */
  readonly rawBytes: number
}

interface ReplayFrom {
  readonly objects: ObjectStore
  readonly platform: SnapshotPlatform
  /** By default all that a publisher writes is taken. */
  readonly deltaBounds?: DeltaBounds
}

/** Takes records that continue what came before, and the position up to which nothing is missing with them; as `Replica.take` does. */
export type TakeRecords = (records: readonly RevisedRecord[], through: number) => void | Promise<void>

/** The deltas that go on from a position, as far as there is no gap. */
export const chainFrom = ({ snapshots, deltas, coveredThrough }: Manifest, from: number): Chain => {
  const chain: DeltaEntry[] = []
  let through = from
  for (const delta of deltas) {
    if (delta.last <= through) continue
    if (delta.first > through + 1) return { deltas: chain, through }
    chain.push(delta)
    through = delta.last
  }
  // Past the last delta and the newest snapshot there are no records up to the position that the manifest covers.
  const newest = snapshots[0]
  assert(newest !== undefined, 'a manifest names a snapshot')
  return { deltas: chain, through: through >= newest.through ? Math.max(through, coveredThrough) : through }
}

/** Hands the records of the deltas to `take` in turns, in order; resolves when all are taken. Rejects with LoadError: everything in front of the damage is taken
 * then; and with what `take` throws. */
export const replay = async (from: ReplayFrom, chain: readonly DeltaEntry[], take: TakeRecords): Promise<void> => {
  const ahead: Promise<Uint8Array>[] = []
  const most = from.deltaBounds?.ahead ?? snapshotLimits.deltasAhead
  let fetched = 0
  for (const delta of chain) {
    for (; fetched < chain.length && ahead.length < most; fetched++) {
      const next = chain[fetched]
      assert(next !== undefined, 'the chain has this delta')
      const bytes = readDelta(from, next)
      // It is awaited in its turn, which may never come.
      bytes.catch(() => undefined)
      ahead.push(bytes)
    }
    const bytes = await ahead.shift()
    assert(bytes !== undefined, 'each delta was fetched')
    await takeDelta(bytes, delta, { take, platform: from.platform })
  }
}

/** The raw bytes of a delta. Rejects with LoadError. */
export const readDelta = (from: ReplayFrom, delta: DeltaEntry): Promise<Uint8Array> => {
  const expected = expectedOf(delta)
  const ownBytes = from.deltaBounds?.rawBytes ?? snapshotLimits.deltaRawBytes
  return readStored(from, expected, async (raw) => {
    const parts: Uint8Array[] = []
    let length = 0
    for await (const part of raw) {
      length += part.length
      if (length > snapshotLimits.deltaRawBytes) {
        throw loadFailure(expected, 'damaged', `it unpacks to more than ${snapshotLimits.deltaRawBytes} bytes`)
      }
      if (length > ownBytes) {
        throw loadFailure(expected, 'memory', `it unpacks to more than the ${ownBytes} bytes that this process has room for`)
      }
      // What is unpacked may go through one buffer.
      parts.push(new Uint8Array(part))
    }
    return joinBytes(parts)
  })
}

/** The records of the raw bytes. Throws LoadError, also while they are walked. */
export function* recordsOf(bytes: Uint8Array, delta: DeltaEntry): Generator<RevisedRecord> {
  try {
    yield* deltaRecords(bytes, rangeOf(delta))
  } catch (error) {
    throw refusal(error, delta)
  }
}

/** All records of a delta, as one part of another. Rejects with LoadError. */
export const readPart = async (from: ReplayFrom, delta: DeltaEntry): Promise<ReturnType<typeof partOf>> => {
  const bytes = await readDelta(from, delta)
  try {
    return partOf(bytes, rangeOf(delta))
  } catch (error) {
    throw refusal(error, delta)
  }
}

/** Applies what it is given to a store that nothing reads yet, in turns. */
export const takeInto =
  (store: Store, pause: () => Promise<void>): TakeRecords =>
  async (records) => {
    for (const turn of turns(records, limits.applyChanges)) {
      const { restore } = apply(store, turn)
      assert(restore === null, 'a delta holds no restore record')
      await pause()
    }
  }

const takeDelta = async (
  bytes: Uint8Array,
  delta: DeltaEntry,
  { take, platform }: { readonly take: TakeRecords; readonly platform: SnapshotPlatform },
): Promise<void> => {
  let group: RevisedRecord[] = []
  let room: number = limits.applyChanges
  let through = delta.first - 1
  for (const revised of recordsOf(bytes, delta)) {
    group.push(revised)
    through = revised.revision
    room -= changesOf([revised])
    if (room > 0) continue
    await take(group, through)
    await platform.pause()
    group = []
    room = limits.applyChanges
  }
  // Behind the last record the range may go on.
  await take(group, delta.last)
}

const rangeOf = ({ key, first, last }: DeltaEntry): DeltaRange => ({ env: environmentOfKey(key), first, last })

const refusal = (error: unknown, delta: DeltaEntry): unknown =>
  error instanceof DeltaError ? loadFailure(expectedOf(delta), error.code, error.message, error) : error

const expectedOf = ({ key, last, storedBytes, sha256 }: DeltaEntry): Expected => ({
  operation: 'load delta',
  key,
  revision: last,
  storedBytes,
  sha256,
})
