/** What is written is read back before anything names it. */
import { expect, test } from 'vitest'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { uploadDeltas } from '../../snapshots/upload.ts'
import { facts, insert, logRecord } from '../support/record.ts'
import { env, pool, testPlatform } from './support.ts'

const records = [0, 1].map((revision) => ({
  revision,
  record: logRecord(facts(insert('p', `User:u${revision}`)), { writeId: `w${revision}` }),
}))
const delta = { first: 0, last: 1, records }

test('a delta that comes back as it was written is named', async () => {
  const [entry] = await uploadDeltas({ objects: memoryObjectStore(), env, pool, platform: testPlatform() }, delta)
  expect(entry).toMatchObject({ first: 0, last: 1 })
})

test('a delta of which something else was compressed is not, though its hash is right', async () => {
  const platform = testPlatform()
  const faults = [
    (bytes: Uint8Array) => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
    (bytes: Uint8Array) => bytes.subarray(0, -1),
    (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.of(0)]),
  ]
  for (const fault of faults) {
    const broken = { ...platform, gzip: (bytes: Uint8Array) => platform.gzip(fault(bytes)) }
    const uploading = uploadDeltas({ objects: memoryObjectStore(), env, pool, platform: broken }, delta)
    await expect(uploading).rejects.toMatchObject({
      code: 'unverified',
      message: expect.stringContaining('other bytes than were compressed'),
    })
  }
})
