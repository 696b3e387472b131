/** What snapshots rely on of a platform. */
import { describe, expect, test } from 'vitest'
import { joinBytes } from '../../snapshots/join-bytes.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'

/** Half of it shrinks. */
export const sample = (length: number): Uint8Array => {
  let state = 1
  return Uint8Array.from({ length }, (_, index) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return index % 1000 < 500 ? 7 : state >> 16
  })
}

export async function* parts(bytes: Uint8Array, size: number, opened?: { ended: boolean }): AsyncGenerator<Uint8Array> {
  try {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
  } finally {
    if (opened !== undefined) opened.ended = true
  }
}

export const collected = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const all: Uint8Array[] = []
  // Valid until the next one is asked for.
  for await (const chunk of chunks) all.push(new Uint8Array(chunk))
  return joinBytes(all)
}

export const platformConformance = (name: string, open: (log: WriteLogLine) => SnapshotPlatform): void => {
  describe(`platform of ${name}`, () => {
    const platform = open(() => undefined)

    test('hashes part by part', () => {
      const hash = platform.sha256()
      hash.update(new TextEncoder().encode('a'))
      hash.update(new Uint8Array())
      hash.update(new TextEncoder().encode('bc'))
      expect(hash.digest()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
      expect(platform.sha256().digest()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    })

    test.each([0, 1, 70_000, 1_000_000])('%i bytes are what they were', async (length) => {
      const bytes = sample(length)
      const packed = await platform.gzip(bytes)
      expect(await platform.gzip(bytes)).toEqual(packed)
      for (const size of [packed.length, 1 + Math.floor(packed.length / 7)]) {
        expect(await collected(platform.gunzip(parts(packed, size)))).toEqual(bytes)
      }
    })

    test('what is no gzip, or ends early, breaks off', async () => {
      const packed = await platform.gzip(sample(50_000))
      for (const broken of [
        packed.subarray(0, packed.length - 9),
        packed.subarray(0, 5),
        new Uint8Array(100),
        packed.map((byte, index) => (index > 40 ? byte ^ 85 : byte)),
      ]) {
        await expect(collected(platform.gunzip(parts(broken, 700)))).rejects.toBeInstanceOf(Error)
      }
    })

    test('a failure of the source reaches who reads', async () => {
      const packed = await platform.gzip(sample(500_000))
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield* parts(packed.subarray(0, 10_000), 1000)
        throw new Error('the transfer broke off')
      }
      await expect(collected(platform.gunzip(failing()))).rejects.toThrow('the transfer broke off')
    })

    test('who stops early frees the source', async () => {
      const packed = await platform.gzip(sample(5_000_000))
      const opened = { ended: false }
      for await (const chunk of platform.gunzip(parts(packed, 5000, opened))) if (chunk.length > 0) break
      for (let turn = 0; turn < 1000 && !opened.ended; turn++) await platform.pause()
      expect(opened.ended).toBe(true)
    })

    test('ids differ, the clock does not go back', () => {
      expect(platform.newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(platform.newId()).not.toBe(platform.newId())
      const before = platform.monotonicMs()
      expect(platform.monotonicMs()).toBeGreaterThanOrEqual(before)
    })
  })
}
