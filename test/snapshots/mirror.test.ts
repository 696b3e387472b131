/** The mirror of what is published: whatever fails, the remote manifest names only what is there, and never goes back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LoadError } from '../../snapshots/load-error.ts'
import { type Manifest, manifestKey, printManifest } from '../../snapshots/manifest.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { MirroredObjects, type MirrorOptions, mirror } from '../../snapshots/mirror.ts'
import { MirrorError } from '../../snapshots/mirror-error.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { webSnapshotPlatform } from '../../snapshots/web-platform.ts'
import { at } from '../../src/base/assert.ts'
import { contentOf } from './object-store-conformance.ts'
import { env, faultsOf, manifestIn, publishState } from './published-state.ts'
import { faultyStore, type StoreFault, type StoreStep, store2Winners } from './store-faults.ts'

const lines: string[] = []
const platform = webSnapshotPlatform((_level, event) => lines.push(event))

const bring = (from: ObjectStore, to: ObjectStore, epoch: number, more: Partial<MirrorOptions> = {}): Promise<Manifest | null> =>
  mirror({ from, to, env, epoch, platform, ...more })

const nameOf = (error: unknown): string => {
  if (error instanceof MirrorError || error instanceof StoreError || error instanceof LoadError) return `${error.name} ${error.code}`
  throw error
}

const failureOf = async (work: Promise<unknown>): Promise<string> => {
  return work.then(() => 'nothing failed', nameOf)
}

/** Counts calls by operation. */
const counted = (store: ObjectStore): { readonly store: ObjectStore; readonly steps: StoreStep[] } => {
  const steps: StoreStep[] = []
  return {
    steps,
    store: faultyStore(store, (step) => {
      steps.push(step)
      return null
    }),
  }
}

/** Each chunk is overwritten by the next one. */
const inOneBuffer = (store: ObjectStore): ObjectStore => ({
  ...store,
  async get(key, condition) {
    const object = await store.get(key, condition)
    return object === null || object === 'unchanged' ? object : { ...object, chunks: overwriting(object.chunks) }
  },
})

async function* overwriting(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64)
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += buffer.length) {
      const part = chunk.subarray(start, start + buffer.length)
      buffer.set(part)
      yield buffer.subarray(0, part.length)
    }
  }
}

describe('a mirror', () => {
  test('brings every object, then the manifest with the epoch of the lease', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const local = await publishState(from, [20, 10])
    const { store, steps } = counted(to)
    expect(await bring(from, store, 3)).toEqual({ ...local, epoch: 3 })
    expect(await manifestIn(to)).toEqual({ ...local, epoch: 3 })
    expect(await faultsOf(to, local)).toEqual([])
    expect(steps.filter(({ operation }) => operation === 'put').map(({ key }) => key)).toEqual([
      ...[...local.snapshots, ...local.deltas].map(({ key }) => key),
      manifestKey(env),
    ])
  })

  test('without anything published there is nothing to bring', async () => {
    const to = memoryObjectStore()
    expect(await bring(memoryObjectStore(), to, 1)).toBeNull()
    expect(await to.list('')).toEqual([])
  })

  test('brings only what is not there whole, and the manifest only when it is another', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const known = new MirroredObjects()
    const first = await publishState(from, [10])
    await bring(from, to, 1, { known })
    // The same snapshot, and another one and delta.
    const second = await publishState(from, [20], {})
    const both: Manifest = { ...second, snapshots: [...second.snapshots, ...first.snapshots] }
    await from.put(manifestKey(env), printManifest(both))
    const { store, steps } = counted(to)
    await bring(from, store, 1, { known })
    expect(steps.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      `get ${manifestKey(env)}`,
      ...[...second.snapshots, ...second.deltas].map(({ key }) => `put ${key}`),
      `put ${manifestKey(env)}`,
    ])
    steps.length = 0
    expect(await bring(from, store, 1, { known })).toEqual({ ...both, epoch: 1 })
    expect(steps.map(({ operation }) => operation)).toEqual(['get'])
    // A caller that knows nothing lists.
    steps.length = 0
    await bring(from, store, 1)
    expect(steps.map(({ operation }) => operation)).toEqual(['get', 'list'])
  })

  test('brings again what is there torn', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const local = await publishState(from, [10])
    const { key } = at(local.snapshots, 0)
    await to.put(key, new Uint8Array(7))
    await bring(from, to, 1)
    expect(await faultsOf(to, local)).toEqual([])
  })

  test('notices within a while that somebody deleted what is named', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const local = await publishState(from, [10])
    const known = new MirroredObjects()
    let nowMs = 0
    const options = { known, platform: { ...platform, monotonicMs: () => nowMs } }
    await bring(from, to, 1, options)
    await to.delete(at(local.snapshots, 0).key)
    nowMs += 60_000
    await bring(from, to, 1, options)
    expect(await faultsOf(to, local)).toEqual([])
  })

  test('a later holder writes its epoch even when nothing else is new', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    await publishState(from, [10])
    await bring(from, to, 1)
    expect((await bring(from, to, 2))?.epoch).toBe(2)
    expect((await manifestIn(to))?.epoch).toBe(2)
  })

  test('an earlier holder is refused, and told the epoch', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    await publishState(from, [10])
    await bring(from, to, 5)
    await publishState(from, [30])
    const failure = await bring(from, to, 4).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'outranked', epoch: 5 })
    expect((await manifestIn(to))?.coveredThrough).toBe(12)
  })

  test('a holder that is behind waits, whatever its epoch', async () => {
    const [ahead, behind, to] = [memoryObjectStore(), memoryObjectStore(), memoryObjectStore()]
    await publishState(ahead, [20])
    await publishState(behind, [10])
    await bring(ahead, to, 1)
    const before = await to.list('')
    expect(await bring(behind, to, 2)).toBeNull()
    expect(await to.list('')).toEqual(before)
    await publishState(behind, [30])
    expect((await bring(behind, to, 2))?.coveredThrough).toBe(32)
  })

  test('a store of another log is left alone', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    await publishState(to, [10], { logId: 'another' })
    await publishState(from, [20])
    expect(await failureOf(bring(from, to, 9))).toBe('MirrorError foreign')
    expect((await manifestIn(to))?.logId).toBe('another')
  })

  test('a manifest of a newer format is left alone, a damaged one replaced', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const local = await publishState(from, [20])
    await to.put(manifestKey(env), new TextEncoder().encode('{"format":2}'))
    expect(await failureOf(bring(from, to, 9))).toBe('LoadError format')
    await to.put(manifestKey(env), new TextEncoder().encode('{"format":'))
    lines.length = 0
    expect(await bring(from, to, 9)).toEqual({ ...local, epoch: 9 })
    expect(lines).toEqual(['mirror-replaces-damaged'])
  })

  test('a damaged local object goes nowhere', async () => {
    for (const bytes of [new Uint8Array(3), new Uint8Array(1020), new Uint8Array(5000)]) {
      const [from, to] = [memoryObjectStore(), memoryObjectStore()]
      const local = await publishState(from, [20])
      await from.put(at(local.snapshots, 0).key, bytes)
      expect(await failureOf(bring(from, to, 1))).toBe('MirrorError damaged')
      expect(await to.list('')).toEqual([])
    }
  })

  test('brings the right bytes from a store whose chunks come in one buffer', async () => {
    const [inner, to] = [memoryObjectStore(), memoryObjectStore()]
    const local = await publishState(inner, [20, 10])
    expect(await bring(inOneBuffer(inner), to, 1)).not.toBeNull()
    expect(await faultsOf(to, local)).toEqual([])
  })

  test('a local object that is gone is an error, unless another manifest took the place of the one that named it', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const old = await publishState(from, [20])
    await from.delete(at(old.deltas, 0).key)
    expect(await failureOf(bring(from, to, 1))).toBe('MirrorError missing')
    expect(await manifestIn(to)).toBeNull()
    // Retention and the publisher were at work meanwhile.
    let isFirst = true
    const busy = faultyStore(from, async ({ operation, key }) => {
      if (isFirst && operation === 'get' && key === at(old.deltas, 0).key) {
        isFirst = false
        await publishState(from, [30])
      }
      return null
    })
    expect((await bring(busy, to, 1))?.coveredThrough).toBe(32)
  })

  test('a manifest that is replaced again and again is given up for now', async () => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    await publishState(from, [90])
    let round = 0
    const raced = faultyStore(to, async ({ operation, key }) => {
      if (operation === 'put' && key === manifestKey(env)) await publishState(to, [(round += 1)])
      return null
    })
    expect(await failureOf(bring(from, raced, 1))).toBe('MirrorError racing')
    expect(round).toBe(3)
  })
})

describe('a fault at any step', () => {
  /** Fails at one call of either store. */
  const attempt = async (which: 'from' | 'to', step: number, fault: Exclude<StoreFault, null>): Promise<boolean> => {
    const [from, to] = [memoryObjectStore(), memoryObjectStore()]
    const first = await publishState(from, [20, 10])
    await bring(from, to, 1)
    const second = await publishState(from, [40, 30])
    let calls = 0
    const failing = faultyStore(which === 'from' ? from : to, () => (calls++ === step ? fault : null))
    const known = new MirroredObjects()
    const outcome = await bring(which === 'from' ? failing : from, which === 'to' ? failing : to, 2, { known }).then(() => 'done', nameOf)
    const there = await manifestIn(to)
    if (there === null) throw new Error('the manifest is gone')
    expect([
      { ...first, epoch: 1 },
      { ...second, epoch: 2 },
    ]).toContainEqual(there)
    expect(await faultsOf(to, there)).toEqual([])
    // The next call, of the same process or of another, makes up for it.
    expect(await bring(from, to, step % 2 === 0 ? 2 : 3, step % 3 === 0 ? { known } : {})).toMatchObject({ coveredThrough: 42 })
    expect(await faultsOf(to, second)).toEqual([])
    return outcome !== 'done'
  }

  for (const which of ['from', 'to'] as const)
    for (const fault of ['failed', 'lost', 'torn'] as const)
      test(`${which}: ${fault}`, async () => {
        let steps = 0
        while (await attempt(which, steps, fault)) steps++
        // Manifest, list, objects, manifest: all of them failed once.
        expect(steps).toBeGreaterThanOrEqual(which === 'from' ? 4 : 6)
      })
})

/** Lets the others go first, so many times. */
const paced = (store: ObjectStore, paces: Iterator<number>): ObjectStore =>
  faultyStore(store, async () => {
    const turns = Number(paces.next().value ?? 0)
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    return null
  })

/** Two publishers of one log at work at the same time. Resolves with the manifests that were there, in order. */
const race = async (paces: readonly number[], epochs: readonly number[], isTwoWinners: boolean): Promise<readonly Manifest[]> => {
  const remote = memoryObjectStore()
  const history: Manifest[] = []
  const watched: ObjectStore = {
    ...remote,
    async put(key, bytes, condition) {
      const version = await remote.put(key, bytes, condition)
      const manifest = key === manifestKey(env) ? await manifestIn(remote) : null
      if (manifest !== null) {
        expect(await faultsOf(remote, manifest)).toEqual([])
        history.push(manifest)
      }
      return version
    },
  }
  const shared = isTwoWinners ? store2Winners(watched, () => true) : watched
  const turns = paces.values()
  const publisher = async (epoch: number, revisions: readonly number[]): Promise<void> => {
    const from = memoryObjectStore()
    const known = new MirroredObjects()
    for (const revision of revisions) {
      await publishState(from, [revision])
      await bring(from, paced(shared, turns), epoch, { known }).catch((error: unknown) => {
        if (!(error instanceof MirrorError)) throw error
        expect(['outranked', 'racing']).toContain(error.code)
      })
    }
  }
  await Promise.all([publisher(at(epochs, 0), [10, 20, 30, 40]), publisher(at(epochs, 1), [15, 20, 35, 40])])
  return history
}

const races = {
  paces: fc.array(fc.nat(40), { maxLength: 60 }),
  epochs: fc.constantFrom([1, 1], [1, 2], [2, 1]),
}

test('two publishers at once never go back', async () => {
  await fc.assert(
    fc.asyncProperty(races.paces, races.epochs, async (paces, epochs) => {
      const history = await race(paces, epochs, false)
      for (const [index, manifest] of history.entries()) {
        const before = index === 0 ? null : at(history, index - 1)
        if (before === null) continue
        expect(manifest.coveredThrough).toBeGreaterThanOrEqual(before.coveredThrough)
        expect(manifest.epoch).toBeGreaterThanOrEqual(before.epoch)
      }
      expect(history.at(-1)?.coveredThrough).toBe(42)
    }),
    { numRuns: 150 },
  )
})

test('over a server that lets two win, no manifest names what is missing, and the next call mends what went back', async () => {
  await fc.assert(
    fc.asyncProperty(races.paces, races.epochs, async (paces, epochs) => {
      const history = await race(paces, epochs, true)
      expect(history.length).toBeGreaterThan(0)
    }),
    { numRuns: 150 },
  )
})

test('what is not of this environment is not touched', async () => {
  const [from, to] = [memoryObjectStore(), memoryObjectStore()]
  await publishState(from, [10])
  await to.put('shop2/manifest.json', new Uint8Array(1))
  await bring(from, to, 1)
  expect(await contentOf(to, 'shop2/manifest.json')).toEqual(new Uint8Array(1))
})
