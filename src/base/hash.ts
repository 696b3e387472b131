/** 128-bit hashes: names of tables, and the state hash that two replicas at the same revision must share. */
import { assert, at } from './assert.ts'
import { paddedBytes, sha256InPlace } from './sha256.ts'

const HASH_BYTES = 16
/** Characters of a part that are written one by one. */
const LOOPED = 64
const utf8 = new TextEncoder()
// Filled and read within one call. One buffer and one update: twice as fast as an update per part.
let scratch = new Uint8Array(1024)

/** First 16 bytes of SHA-256 over the parts, each as the length of its UTF-8 (4 bytes, big-endian) and the UTF-8: two lists of parts never share an encoding.
 * Parts are free of lone surrogates. */
export const hash128 = (parts: readonly string[]): Uint8Array => {
  let end = 0
  for (const part of parts) {
    // A UTF-16 unit takes at most three bytes.
    reserve(end, 4 + part.length * 3)
    const written = writePart(part, end + 4)
    scratch[end] = written >>> 24
    scratch[end + 1] = written >>> 16
    scratch[end + 2] = written >>> 8
    scratch[end + 3] = written
    end += 4 + written
  }
  reserve(end, paddedBytes(end) - end)
  return sha256InPlace(scratch, end, HASH_BYTES)
}

/** Lower-case hexadecimal digits, two per byte. */
export const hex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** A sum of 128-bit hashes mod 2¹²⁸: what was added can be subtracted in any order. */
export class StateHash {
  // Four limbs of 32 bits, the most significant first: a sum of two and a carry is exact in a double, and bigint costs an allocation per step.
  readonly #limbs = new Uint32Array(HASH_BYTES / 4)

  /** From 32 hexadecimal digits. */
  static fromHex(digits: string): StateHash {
    assert(/^[0-9a-f]{32}$/.test(digits), `state hash \`${digits}\` has 32 hexadecimal digits`)
    const state = new StateHash()
    for (let limb = 0; limb < state.#limbs.length; limb++) state.#limbs[limb] = Number.parseInt(digits.slice(limb * 8, limb * 8 + 8), 16)
    return state
  }

  add(hash: Uint8Array): void {
    let carry = 0
    for (let limb = this.#limbs.length - 1; limb >= 0; limb--) {
      const sum = at(this.#limbs, limb) + limbOf(hash, limb) + carry
      this.#limbs[limb] = sum
      carry = sum > 0xffffffff ? 1 : 0
    }
  }

  subtract(hash: Uint8Array): void {
    let borrow = 0
    for (let limb = this.#limbs.length - 1; limb >= 0; limb--) {
      const difference = at(this.#limbs, limb) - limbOf(hash, limb) - borrow
      this.#limbs[limb] = difference
      borrow = difference < 0 ? 1 : 0
    }
  }

  /** 32 hexadecimal digits. */
  toHex(): string {
    return Array.from(this.#limbs, (limb) => limb.toString(16).padStart(8, '0')).join('')
  }
}

/** How many bytes it takes. Most parts are short and ASCII, for which a call of the encoder takes longer than this loop. */
const writePart = (part: string, start: number): number => {
  for (let index = 0; index < part.length; index++) {
    const unit = part.charCodeAt(index)
    if (unit > 0x7f || index === LOOPED) return utf8.encodeInto(part, scratch.subarray(start)).written
    scratch[start + index] = unit
  }
  return part.length
}

const reserve = (used: number, bytes: number): void => {
  if (used + bytes <= scratch.length) return
  const larger = new Uint8Array((used + bytes) * 2)
  larger.set(scratch.subarray(0, used))
  scratch = larger
}

const limbOf = (hash: Uint8Array, limb: number): number => {
  const start = limb * 4
  return ((at(hash, start) << 24) | (at(hash, start + 1) << 16) | (at(hash, start + 2) << 8) | at(hash, start + 3)) >>> 0
}
