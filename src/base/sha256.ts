/** SHA-256 of short texts, without an object per call: most of what hashing a fact by a general library takes is not the hash. */

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Behind the message: a bit, and its length in bits. */
const PADDING_BYTES = 9

// biome-ignore format: eight to a line, as they are printed everywhere
const constants = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)

const initial = Int32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19)

// Filled and read within one call.
const state = new Int32Array(initial.length)
const schedule = new Int32Array(BLOCK_BYTES)

/** Bytes that a buffer has to have room for when its first `length` are hashed. */
export const paddedBytes = (length: number): number => Math.ceil((length + PADDING_BYTES) / BLOCK_BYTES) * BLOCK_BYTES

/** The first `digestBytes` bytes of the SHA-256 of the first `length` bytes of a buffer. What follows them, up to `paddedBytes`, is written over. FIPS 180-4. */
export const sha256InPlace = (buffer: Uint8Array, length: number, digestBytes: number = DIGEST_BYTES): Uint8Array => {
  const end = paddedBytes(length)
  buffer.fill(0, length, end)
  buffer[length] = 0x80
  // Shorter than 512 MiB, so that the length in bits fits into four bytes.
  const bits = length * 8
  for (let byte = 0; byte < 4; byte++) buffer[end - 1 - byte] = bits >>> (8 * byte)
  state.set(initial)
  for (let start = 0; start < end; start += BLOCK_BYTES) {
    expand(buffer, start)
    compress()
  }
  const digest = new Uint8Array(digestBytes)
  for (let byte = 0; byte < digestBytes; byte++) digest[byte] = (state[byte >> 2] ?? 0) >>> (24 - 8 * (byte & 3))
  return digest
}

/** The words of one block. Indices are inside of their arrays: `?? 0` is for the types, and costs nothing. */
const expand = (buffer: Uint8Array, start: number): void => {
  for (let word = 0; word < 16; word++) {
    const first = start + 4 * word
    schedule[word] =
      ((buffer[first] ?? 0) << 24) | ((buffer[first + 1] ?? 0) << 16) | ((buffer[first + 2] ?? 0) << 8) | (buffer[first + 3] ?? 0)
  }
  for (let word = 16; word < BLOCK_BYTES; word++) {
    const far = schedule[word - 15] ?? 0
    const near = schedule[word - 2] ?? 0
    const low = rotated(far, 7) ^ rotated(far, 18) ^ (far >>> 3)
    const high = rotated(near, 17) ^ rotated(near, 19) ^ (near >>> 10)
    schedule[word] = (schedule[word - 16] ?? 0) + low + (schedule[word - 7] ?? 0) + high
  }
}

// Without lists: destructuring the state goes through an iterator, which takes as long as the rounds.
const compress = (): void => {
  let a = state[0] ?? 0
  let b = state[1] ?? 0
  let c = state[2] ?? 0
  let d = state[3] ?? 0
  let e = state[4] ?? 0
  let f = state[5] ?? 0
  let g = state[6] ?? 0
  let h = state[7] ?? 0
  for (let round = 0; round < BLOCK_BYTES; round++) {
    const choice = (e & f) ^ (~e & g)
    const first = (h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + (constants[round] ?? 0) + (schedule[round] ?? 0)) | 0
    const majority = (a & b) ^ (a & c) ^ (b & c)
    const second = ((rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  state[0] = (state[0] ?? 0) + a
  state[1] = (state[1] ?? 0) + b
  state[2] = (state[2] ?? 0) + c
  state[3] = (state[3] ?? 0) + d
  state[4] = (state[4] ?? 0) + e
  state[5] = (state[5] ?? 0) + f
  state[6] = (state[6] ?? 0) + g
  state[7] = (state[7] ?? 0) + h
}

const rotated = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))
