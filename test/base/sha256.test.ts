/** The hash of facts, against Node's own. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex } from '../../src/base/hash.ts'
import { paddedBytes, sha256InPlace } from '../../src/base/sha256.ts'

const check = (message: Uint8Array): void => {
  // What was in the buffer before must not matter.
  const buffer = new Uint8Array(paddedBytes(message.length)).fill(0xa5)
  buffer.set(message)
  const expected = createHash('sha256').update(message).digest('hex')
  expect(hex(sha256InPlace(buffer, message.length))).toBe(expected)
  expect(hex(sha256InPlace(buffer, message.length, 16))).toBe(expected.slice(0, 32))
  expect(buffer.subarray(0, message.length)).toEqual(message)
}

test('every length up to five blocks', () => {
  for (let length = 0; length <= 320; length++) check(Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff))
})

test('random messages', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (message) => check(message)))
})

test('a message of a million bytes', () => {
  check(new Uint8Array(1_000_000).fill(0x61))
})
