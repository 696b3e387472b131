/** Bytes that are kept beside records are those that encoding them gives. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nativeSha256 } from '../../replicator/native-hash.ts'
import { recordText } from '../../src/log/body.ts'
import { encodeRecord } from '../../src/log/codec.ts'
import { decodedRecord, encodedRecord, encodedText } from '../../src/log/encoded.ts'
import { record } from '../support/record.ts'

test('of a record that was made here, and of one that was read', async () => {
  await fc.assert(
    fc.asyncProperty(record, async (made) => {
      const bytes = encodeRecord(made)
      expect(Buffer.from(encodedText(made)).toString()).toBe(recordText(made))
      const read = decodedRecord(bytes, nativeSha256)
      expect(read).toEqual(made)
      for (const one of [made, read]) {
        expect(encodedRecord(one, nativeSha256)).toEqual(bytes)
        expect(Buffer.from(encodedText(one)).toString()).toBe(recordText(made))
      }
    }),
  )
})

test('they do not hold what the record was a part of, and do not change with it', async () => {
  await fc.assert(
    fc.asyncProperty(record, async (made) => {
      const bytes = encodeRecord(made)
      const larger = new Uint8Array(bytes.length + 100)
      larger.set(bytes, 50)
      const read = decodedRecord(larger.subarray(50, 50 + bytes.length))
      larger.fill(0)
      expect(encodedRecord(read)).toEqual(bytes)
      expect(encodedRecord(read).buffer.byteLength).toBe(bytes.length)
    }),
  )
})

test('bytes that are no record are refused as by the codec', () => {
  expect(() => decodedRecord(new Uint8Array(40))).toThrow('the bytes do not start like a record')
})
