/** 128-bit hashes and their sums, against Node's SHA-256 and against bigint arithmetic. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bug } from '../../src/base/assert.ts'
import { hash128, hex, StateHash } from '../../src/base/hash.ts'

const MODULUS = 2n ** 128n
const parts = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 })
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 })
// Sums of these carry through every limb.
const extreme = fc.constantFrom(0x00, 0x01, 0xff).map((byte) => new Uint8Array(16).fill(byte))
const hashes = fc.array(fc.oneof(hash, extreme), { maxLength: 20 })
const number = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes)}`)
const digits = (value: bigint): string => (((value % MODULUS) + MODULUS) % MODULUS).toString(16).padStart(32, '0')

describe('hash128', () => {
  test('is SHA-256 over length-prefixed UTF-8, cut to 16 bytes', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (texts) => {
        const expected = createHash('sha256')
        for (const text of texts) {
          const length = Buffer.alloc(4)
          length.writeUInt32BE(Buffer.byteLength(text))
          expected.update(length).update(text)
        }
        expect(hex(hash128(texts))).toBe(expected.digest('hex').slice(0, 32))
      }),
    )
  })

  test('stays what it is: table names and stored state hashes rest on it', () => {
    expect(hex(hash128([]))).toBe('e3b0c44298fc1c149afbf4c8996fb924')
    expect(hex(hash128(['has_role', 'User', 'alice']))).toBe('09c099b12a2288ec934cedd2a8b3e042')
  })

  test('where one part ends matters', () => {
    const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['a', 'b', 'c']]
    expect(new Set(lists.map((list) => hex(hash128(list)))).size).toBe(lists.length)
  })
})

test('parts longer than the buffer', () => {
  const long = 'é'.repeat(5000)
  const expected = createHash('sha256')
    .update(Buffer.from([0, 0, 0, 1]))
    .update('a')
    .update(Buffer.from([0, 0, 0x27, 0x10]))
    .update(long)
  expect(hex(hash128(['a', long]))).toBe(expected.digest('hex').slice(0, 32))
})

describe('StateHash', () => {
  test('adds and subtracts mod 2^128', async () => {
    await fc.assert(
      fc.asyncProperty(hashes, hashes, async (added, removed) => {
        const state = new StateHash()
        for (const item of added) state.add(item)
        for (const item of removed) state.subtract(item)
        const sum = added.reduce((total, item) => total + number(item), 0n) - removed.reduce((total, item) => total + number(item), 0n)
        expect(state.toHex()).toBe(digits(sum))
      }),
      { numRuns: 500 },
    )
  })

  test('goes through hexadecimal digits unchanged and goes on from there', async () => {
    await fc.assert(
      fc.asyncProperty(hash, hash, async (start, next) => {
        const state = StateHash.fromHex(hex(start))
        expect(state.toHex()).toBe(hex(start))
        state.add(next)
        expect(state.toHex()).toBe(digits(number(start) + number(next)))
      }),
    )
  })

  test('starts at zero and refuses other digits', () => {
    expect(new StateHash().toHex()).toBe('0'.repeat(32))
    expect(() => StateHash.fromHex('0'.repeat(31))).toThrow(Bug)
    expect(() => StateHash.fromHex('G'.repeat(32))).toThrow(Bug)
  })
})
