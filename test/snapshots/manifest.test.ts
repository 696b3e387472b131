/** Manifests: what is read is what was written, and nothing that contradicts itself is read. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Manifest, ManifestError, manifestKey, manifestObjects, parseManifest, printManifest } from '../../snapshots/manifest.ts'
import { deltaKey, restoreKey, snapshotKey } from '../../snapshots/object-keys.ts'
import { at } from '../../src/base/assert.ts'

const hash = (seed: number): string => seed.toString(16).padStart(64, '0')
const snapshot = (revision: number, through = revision): Manifest['snapshots'][number] => ({
  revision,
  through,
  key: snapshotKey('shop', revision, hash(revision)),
  storedBytes: 10,
  rawBytes: 4 * 1024 * 1024 + 1,
  sha256: hash(revision),
  chunks: [hash(1), hash(2)],
  stateHash: '0'.repeat(32),
  policyHash: null,
  schemaVersion: 1,
})
const delta = (first: number, last: number): Manifest['deltas'][number] => ({
  first,
  last,
  key: deltaKey('shop', first, last, hash(first)),
  storedBytes: 5,
  sha256: hash(first),
})
const manifest: Manifest = {
  format: 1,
  logId: 'log',
  env: 'shop',
  epoch: 3,
  coveredThrough: 40,
  snapshots: [snapshot(20, 22), snapshot(10)],
  deltas: [delta(9, 15), delta(16, 22), delta(23, 30)],
  engine: '0.1.0',
  createdAtMs: 1_700_000_000_000,
}

const refusal = (changed: unknown): ManifestError => {
  const bytes = typeof changed === 'string' ? new TextEncoder().encode(changed) : new TextEncoder().encode(JSON.stringify(changed))
  try {
    parseManifest(bytes)
  } catch (error) {
    if (error instanceof ManifestError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

test('keys', () => {
  expect(manifestKey('shop')).toBe('shop/manifest.json')
  expect(snapshotKey('shop', 7, hash(1))).toBe(`shop/snapshots/7-${hash(1)}.sqlite.gz`)
  expect(deltaKey('control', 7, 9, hash(1))).toBe(`control/deltas/7-9-${hash(1)}.log.gz`)
  expect(restoreKey('shop', 7, hash(1))).toBe(`shop/restores/7-${hash(1)}.sqlite.gz`)
  for (const env of ['', '..', 'a/b', 'a b', 'é']) expect(() => manifestKey(env)).toThrow('is an environment id')
})

test('what is read is what was written, byte by byte', async () => {
  expect(parseManifest(printManifest(manifest))).toEqual(manifest)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 1, maxLength: 20 }), fc.nat(5), async (sizes, idle) => {
      let position = 0
      const deltas: Manifest['deltas'][number][] = []
      const snapshots = [snapshot(0)]
      for (const [length, snapshotAt] of sizes) {
        deltas.push(delta(position + 1, position + 1 + length))
        position += 1 + length
        if (snapshotAt === 0) snapshots.unshift(snapshot(position))
      }
      const made: Manifest = { ...manifest, snapshots, deltas, coveredThrough: position + idle }
      const bytes = printManifest(made)
      expect(parseManifest(bytes)).toEqual(made)
      expect(printManifest(parseManifest(bytes))).toEqual(bytes)
    }),
  )
})

test('it names its objects', () => {
  expect(manifestObjects(manifest)).toEqual([...manifest.snapshots, ...manifest.deltas].map(({ key }) => key))
})

test('a newer format is refused with what to do, whatever else it has', () => {
  for (const newer of [{ ...manifest, format: 2 }, { format: 7 }]) {
    const error = refusal(newer)
    expect(error.code).toBe('format')
    expect(error.message).toMatch(/has format [27], known is 1: a newer version wrote it$/)
  }
})

test('every field is there, has its type, and there are no others', () => {
  for (const place of [manifest, at(manifest.snapshots, 0), at(manifest.deltas, 0)]) {
    const replaced = (changed: object): unknown =>
      place === manifest
        ? changed
        : 'first' in place
          ? { ...manifest, deltas: [changed, ...manifest.deltas.slice(1)] }
          : { ...manifest, snapshots: [changed, at(manifest.snapshots, 1)] }
    for (const name of Object.keys(place)) {
      const rest = Object.fromEntries(Object.entries(place).filter(([key]) => key !== name))
      for (const changed of [rest, { ...place, [name]: { wrong: 1 } }, { ...place, [name]: 1.5 }, { ...place, [name]: -7 }]) {
        expect(refusal(replaced(changed)).code).toBe('damaged')
      }
    }
    expect(refusal(replaced({ ...place, extra: 1 })).message).toContain('`extra`')
  }
  for (const text of ['', '{', '[]', 'null', '"manifest"', '\ufeff{}']) expect(refusal(text).code).toBe('damaged')
})

test.each([
  ['no snapshot', { snapshots: [], deltas: [] }, 'names no snapshot'],
  ['snapshots oldest first', { snapshots: manifest.snapshots.toReversed() }, 'newer than the one before it'],
  ['a snapshot behind its own position', { snapshots: [snapshot(20, 19)] }, 'behind its position'],
  ['a snapshot past what is covered', { coveredThrough: 21, deltas: [] }, 'past position 21'],
  ['a delta past what is covered', { coveredThrough: 29 }, 'past position 29'],
  ['too few chunks', { snapshots: [{ ...snapshot(20, 22), chunks: [hash(1)] }], deltas: [] }, 'has 1 chunks'],
  ['a key of another environment', { env: 'other' }, 'is not the key of snapshot'],
  ['an environment that is a path', { env: '../other' }, 'is no environment id'],
  ['a delta that ends before it starts', { deltas: [{ ...delta(15, 15), last: 14 }] }, 'is not the key of delta'],
  ['deltas that overlap', { deltas: [delta(9, 16), delta(16, 30)] }, 'inside the one before it'],
  ['deltas that go on from no snapshot', { deltas: [delta(24, 30)] }, 'go on from no snapshot'],
  ['a gap without snapshot', { deltas: [delta(9, 15), delta(24, 30)] }, 'go on from no snapshot'],
  ['a gap behind the newest snapshot', { snapshots: [snapshot(10)], deltas: [delta(11, 15), delta(23, 30)] }, 'go on from no snapshot'],
  ['too many deltas', { deltas: Array.from({ length: 65 }, (_, index) => delta(index + 9, index + 9)), coveredThrough: 100 }, 'at most 64'],
])('%s is refused', (_, changed, message) => {
  const error = refusal({ ...manifest, ...changed })
  expect(error.code).toBe('damaged')
  expect(error.message).toContain(message)
})

test('a gap is allowed where a snapshot stands behind it', () => {
  const made = { ...manifest, deltas: [delta(11, 15), delta(23, 30)] }
  expect(parseManifest(printManifest(made))).toEqual(made)
})
