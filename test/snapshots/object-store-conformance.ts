/** What every object store promises. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { type ObjectStore, type PutCondition, type StoredObject, StoreError, type StoreErrorCode } from '../../snapshots/object-store.ts'
import { at } from '../../src/base/assert.ts'

/** One empty store, as two processes see it. */
export interface StoreHarness {
  readonly store: ObjectStore
  /** What is put here is read from `store`; the same one where that can be written. */
  readonly writer: ObjectStore
  /** Begins to put an object and is killed, or cut off, in the middle. */
  tear?(key: string, bytes: Uint8Array): Promise<void>
  /** Sends bytes that are not the ones of the checksum. */
  garble?(key: string, bytes: Uint8Array): Promise<StoreErrorCode | 'refused'>
  end?(): Promise<void>
}

/** What cannot be asked of a store, with the reason. */
export interface StoreSkips {
  /** Conditions, and that a put tells the version. */
  readonly conditions?: string
  readonly list?: string
  readonly torn?: string
  readonly checksum?: string
  /** More than one of those who put under one condition may win. */
  readonly oneWinner?: string
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export const refusal = async (work: Promise<unknown>): Promise<StoreErrorCode> => {
  try {
    await work
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}

const found = async (store: ObjectStore, key: string, unless?: string): Promise<StoredObject> => {
  const object = await store.get(key, unless === undefined ? {} : { unless })
  if (object === null || object === 'unchanged') throw new Error(`\`${key}\` is ${String(object)}`)
  return object
}

export const contentOf = async (store: ObjectStore, key: string): Promise<Uint8Array | null> => {
  const object = await store.get(key)
  return object === null ? null : objectBytes(key, await found(store, key), 1 << 30)
}

const textOf = async (store: ObjectStore, key: string): Promise<string | null> => {
  const bytes = await contentOf(store, key)
  return bytes === null ? null : new TextDecoder().decode(bytes)
}

/** Bytes that no compression and no repetition hides a mistake in. */
export const noise = (sizeBytes: number): Uint8Array => {
  const bytes = new Uint8Array(sizeBytes)
  for (let start = 0; start < sizeBytes; start += 65_536) crypto.getRandomValues(bytes.subarray(start, start + 65_536))
  return bytes
}

const oddKeys = [
  'plain/key-1_2.json.gz',
  'a b/c  d/ e ',
  'plus+and%20percent%2Fand&<>"\'`#?;=@,~^|\\[]{}$!*()',
  'umlaut-ä/😀/\u{10FFFD}',
  '.hidden/..x/x../...',
  'UPPER/Case',
  `long/${'x'.repeat(200)}`,
]

const wrongKeys = ['', '/', 'a/', '/a', 'a//b', '.', '..', '../x', 'a/../../x', 'a/./b', 'a\0b', 'a\nb', '\ud800', 'x'.repeat(801)]

export const objectStoreConformance = (name: string, open: () => Promise<StoreHarness>, skips: StoreSkips = {}): void => {
  const why = (what: keyof StoreSkips): string => (skips[what] === undefined ? '' : ` (skipped: ${skips[what]})`)

  describe(`object store: ${name}`, () => {
    let harness: StoreHarness
    let store: ObjectStore
    let writer: ObjectStore
    beforeEach(async () => {
      harness = await open()
      store = harness.store
      writer = harness.writer
    })
    afterEach(async () => {
      await harness.end?.()
    })

    test('what is not there is null, and deleted without an error', async () => {
      expect(await store.get('none')).toBeNull()
      expect(await store.get('folder/none', { unless: 'whatever' })).toBeNull()
      await writer.delete('none')
      await writer.delete('folder/none')
    })

    test('an object comes back as it was put, replaced as a whole, until it is deleted', async () => {
      await writer.put('e/one', text('first'))
      expect(await textOf(store, 'e/one')).toBe('first')
      await writer.put('e/one', text('the second'))
      expect(await textOf(store, 'e/one')).toBe('the second')
      expect(await store.get('e/on')).toBeNull()
      expect(await store.get('e')).toBeNull()
      await writer.delete('e/one')
      expect(await store.get('e/one')).toBeNull()
      await writer.put('e/one', text('third'))
      expect(await textOf(store, 'e/one')).toBe('third')
    })

    test('an empty object is one', async () => {
      await writer.put('empty', new Uint8Array(0))
      const object = await found(store, 'empty')
      expect([0, null]).toContain(object.sizeBytes)
      expect(await objectBytes('empty', object, 0)).toEqual(new Uint8Array(0))
    })

    test('stored bytes are nobody else`s', async () => {
      const bytes = text('original')
      const put = writer.put('own', bytes)
      await put
      bytes.fill(0)
      for await (const chunk of (await found(store, 'own')).chunks) chunk.fill(1)
      expect(await textOf(store, 'own')).toBe('original')
    })

    test('the version tells whether the content is another one, however quickly it changes', async () => {
      await writer.put('v', text('00'))
      let { version } = await found(store, 'v')
      expect(await store.get('v', { unless: version })).toBe('unchanged')
      for (let round = 1; round <= 30; round++) {
        const content = String(round).padStart(2, '0')
        await writer.put('v', text(content))
        const object = await found(store, 'v', version)
        expect(new TextDecoder().decode(await objectBytes('v', object, 10))).toBe(content)
        expect(object.version).not.toBe(version)
        version = object.version
        expect(await store.get('v', { unless: version })).toBe('unchanged')
      }
      await writer.delete('v')
      expect(await store.get('v', { unless: version })).toBeNull()
    })

    test.skipIf(skips.conditions !== undefined)(`a put tells the version that a get finds${why('conditions')}`, async () => {
      const first = await store.put('v', text('a'))
      expect((await found(store, 'v')).version).toBe(first)
      const second = await store.put('v', text('b'))
      expect(second).not.toBe(first)
      expect(await store.get('v', { unless: second })).toBe('unchanged')
    })

    test.skipIf(skips.conditions !== undefined)(`only where there is none${why('conditions')}`, async () => {
      const version = await store.put('c', text('a'), { kind: 'absent' })
      expect(await refusal(store.put('c', text('b'), { kind: 'absent' }))).toBe('precondition')
      expect(await textOf(store, 'c')).toBe('a')
      expect((await found(store, 'c')).version).toBe(version)
      await store.delete('c')
      await store.put('c', text('again'), { kind: 'absent' })
      expect(await textOf(store, 'c')).toBe('again')
    })

    test.skipIf(skips.conditions !== undefined)(`only over this one${why('conditions')}`, async () => {
      const first = await store.put('c', text('a'))
      const second = await store.put('c', text('b'), { kind: 'version', version: first })
      expect(await refusal(store.put('c', text('c'), { kind: 'version', version: first }))).toBe('precondition')
      expect(await textOf(store, 'c')).toBe('b')
      await store.put('c', text('c'), { kind: 'version', version: second })
      expect(await textOf(store, 'c')).toBe('c')
      await store.delete('c')
      expect(await refusal(store.put('c', text('d'), { kind: 'version', version: second }))).toBe('precondition')
      expect(await store.get('c')).toBeNull()
    })

    test.skipIf(skips.conditions !== undefined)(
      `races under one condition have a winner, whose object is there${why('conditions')}`,
      async () => {
        const writers = [store, writer]
        for (let round = 0; round < 10; round++) {
          const before = await store.get(`race/${round % 2}`)
          const condition: PutCondition =
            before === null || before === 'unchanged' ? { kind: 'absent' } : { kind: 'version', version: before.version }
          const outcomes = await Promise.allSettled(
            Array.from({ length: 8 }, async (_, index) =>
              at(writers, index % 2).put(`race/${round % 2}`, text(`${round} of ${index}`), condition),
            ),
          )
          const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [`${round} of ${index}`] : []))
          for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'precondition' })
          expect(winners.length).toBeGreaterThanOrEqual(1)
          if (skips.oneWinner === undefined) expect(winners).toHaveLength(1)
          expect(winners).toContain(await textOf(store, `race/${round % 2}`))
        }
      },
    )

    test('readers see one whole object while others replace it', async () => {
      const sizeBytes = 300_000
      const versionOf = (fill: number): Uint8Array => new Uint8Array(sizeBytes).fill(fill)
      await writer.put('whole', versionOf(255))
      const puts = Promise.all(Array.from({ length: 12 }, async (_, index) => writer.put('whole', versionOf(index))))
      for (let round = 0; round < 12; round++) {
        const bytes = await objectBytes('whole', await found(store, 'whole'), sizeBytes)
        expect(bytes.length).toBe(sizeBytes)
        expect(bytes.every((byte) => byte === bytes[0])).toBe(true)
      }
      await puts
    })

    test('a large object arrives in pieces', async () => {
      const bytes = noise(24 * 1024 * 1024 + 7)
      await writer.put('large/object', bytes)
      const object = await found(store, 'large/object')
      expect([bytes.length, null]).toContain(object.sizeBytes)
      let received = 0
      let pieces = 0
      let isSame = true
      for await (const chunk of object.chunks) {
        isSame &&= Buffer.compare(chunk, bytes.subarray(received, received + chunk.length)) === 0
        received += chunk.length
        pieces++
        expect(chunk.length).toBeLessThanOrEqual(8 * 1024 * 1024)
      }
      expect([received, isSame]).toEqual([bytes.length, true])
      expect(pieces).toBeGreaterThan(2)
    })

    test('readers that break off, or never begin, keep nobody from reading', async () => {
      await writer.put('large', noise(3 * 1024 * 1024))
      for (let round = 0; round < 80; round++) {
        const object = await found(store, 'large')
        if (round % 2 === 0) await object.chunks[Symbol.asyncIterator]().return?.()
        else for await (const chunk of object.chunks) if (chunk.length > 0) break
      }
      expect((await contentOf(store, 'large'))?.length).toBe(3 * 1024 * 1024)
    })

    test('a bound on what is read holds', async () => {
      await writer.put('large', new Uint8Array(100_000))
      expect(await refusal(objectBytes('large', await found(store, 'large'), 99_999))).toBe('too-large')
    })

    test('keys with any characters', async () => {
      for (const [index, key] of oddKeys.entries()) await writer.put(key, text(String(index)))
      for (const [index, key] of oddKeys.entries()) expect([key, await textOf(store, key)]).toEqual([key, String(index)])
      if (skips.list === undefined) expect((await store.list('')).map(({ key }) => key)).toEqual(oddKeys.toSorted())
      for (const key of oddKeys) await writer.delete(key)
      for (const key of oddKeys) expect([key, await store.get(key)]).toEqual([key, null])
    })

    test('what is no key is refused', async () => {
      for (const key of wrongKeys) {
        expect([key, await refusal(store.get(key))]).toEqual([key, 'denied'])
        expect([key, await refusal(writer.put(key, text('x')))]).toEqual([key, 'denied'])
        expect([key, await refusal(writer.delete(key))]).toEqual([key, 'denied'])
      }
    })

    test.skipIf(skips.list !== undefined)(`a list names every object below a prefix, in order${why('list')}`, async () => {
      expect(await store.list('')).toEqual([])
      for (const key of ['b/2', 'b/10', 'a', 'b/1/x', 'ba', 'c/z']) await store.put(key, text(key))
      const keysBelow = async (prefix: string): Promise<readonly string[]> => (await store.list(prefix)).map(({ key }) => key)
      expect(await keysBelow('')).toEqual(['a', 'b/1/x', 'b/10', 'b/2', 'ba', 'c/z'])
      expect(await keysBelow('b')).toEqual(['b/1/x', 'b/10', 'b/2', 'ba'])
      expect(await keysBelow('b/')).toEqual(['b/1/x', 'b/10', 'b/2'])
      expect(await keysBelow('b/1')).toEqual(['b/1/x', 'b/10'])
      expect(await keysBelow('nothing/here')).toEqual([])
      await store.delete('b/10')
      expect(await keysBelow('b/1')).toEqual(['b/1/x'])
      const [object] = await store.list('c/')
      expect(object).toMatchObject({ key: 'c/z', sizeBytes: 3 })
      expect(object?.modifiedAtMs).toBeGreaterThan(Date.parse('2020-01-01'))
    })

    test.skipIf(skips.list !== undefined)(`a list of more than a page${why('list')}`, async () => {
      const keys = Array.from({ length: 1050 }, (_, index) => `many/${String(index).padStart(4, '0')}`)
      for (let start = 0; start < keys.length; start += 25)
        await Promise.all(keys.slice(start, start + 25).map(async (key) => store.put(key, text(key))))
      expect((await store.list('many/')).map(({ key }) => key)).toEqual(keys)
    })

    test.skipIf(skips.torn !== undefined)(`of an upload that is torn nothing is seen${why('torn')}`, async () => {
      await store.put('torn/old', text('old'))
      await harness.tear?.('torn/old', noise(8 * 1024 * 1024))
      await harness.tear?.('torn/new', noise(8 * 1024 * 1024))
      expect(await textOf(store, 'torn/old')).toBe('old')
      expect(await store.get('torn/new')).toBeNull()
      expect((await store.list('')).map(({ key }) => key)).toEqual(['torn/old'])
      await store.put('torn/new', text('complete'), { kind: 'absent' })
      expect(await textOf(store, 'torn/new')).toBe('complete')
    })

    test.skipIf(skips.checksum !== undefined)(`bytes that are not those of the checksum are refused${why('checksum')}`, async () => {
      expect(await harness.garble?.('garbled', noise(100_000))).toBe('refused')
      expect(await store.get('garbled')).toBeNull()
    })
  })
}
