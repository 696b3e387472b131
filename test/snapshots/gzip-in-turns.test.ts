/** What is compressed turn by turn is one member of gzip, which Node and web platforms unpack, and so do its turns by themselves. */
import { randomBytes } from 'node:crypto'
import { constants, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { joinBytes } from '../../snapshots/join-bytes.ts'
import { gunzipInTurns, gzipInTurns } from '../../snapshots/node/gzip-in-turns.ts'

const TURN_BYTES = 65_536
const contents: Readonly<Record<string, (size: number) => Uint8Array>> = {
  zeros: (size) => new Uint8Array(size),
  'what repeats': (size) => Uint8Array.from({ length: size }, (_, index) => (index * 7919) >> 8),
  'what does not shrink': (size) => new Uint8Array(randomBytes(size)),
}

const byTheWeb = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await new Response(new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer())

for (const [name, content] of Object.entries(contents)) {
  test.each([0, 1, 1000, TURN_BYTES - 1, TURN_BYTES, TURN_BYTES + 1, 5 * TURN_BYTES, 5 * TURN_BYTES + 3])(
    `%i bytes of ${name} come back`,
    async (size) => {
      const raw = content(size)
      let rests = 0
      const turned = gzipInTurns(raw, constants.Z_BEST_SPEED, () => void rests++)
      expect(rests).toBe(Math.max(1, Math.ceil(size / TURN_BYTES)))
      expect(turned.ends).toHaveLength(rests)
      for (const back of [new Uint8Array(gunzipSync(turned.bytes)), await byTheWeb(turned.bytes), joinBytes([...gunzipInTurns(turned)])]) {
        expect(Buffer.compare(back, raw)).toBe(0)
      }
    },
  )
}

test('of damaged bytes nothing comes that was not put in without an error or a difference', () => {
  const raw = contents['what repeats']?.(5 * TURN_BYTES) ?? new Uint8Array()
  const turned = gzipInTurns(raw, constants.Z_BEST_SPEED, () => undefined)
  const last = turned.bytes.length - 1
  for (const at of [0, 9, last - 7, last - 4, last - 3, last, ...Array.from({ length: last / 997 }, (_, index) => 10 + index * 997)]) {
    const bytes = turned.bytes.map((byte, index) => (index === at ? byte ^ 255 : byte))
    const unpacked = (): Uint8Array => joinBytes([...gunzipInTurns({ ...turned, bytes })])
    let found: Uint8Array | null = null
    try {
      found = unpacked()
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
    }
    expect(found === null || Buffer.compare(found, raw) !== 0).toBe(true)
  }
})
