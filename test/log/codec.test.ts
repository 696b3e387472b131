/** The record codec: round trip, canonical form, and detection of every damage. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyText, parseBodyText, ShapeError } from '../../src/log/body.ts'
import { decodeRecord, encodeRecord, RecordError, type RecordErrorCode, verifyRecord } from '../../src/log/codec.ts'
import { body, facts, insert, logRecord, record, remove } from '../support/record.ts'

const failure = (bytes: Uint8Array): RecordErrorCode | null => {
  try {
    decodeRecord(bytes)
    return null
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    return error.code
  }
}

/** A record with that text, header and checksum right. */
const sealed = (text: string, format = 1): Uint8Array => {
  const payload = Buffer.from(text, 'latin1')
  const head = Buffer.from([0x41, 0x52, 0x43, 0x52, format, 0, 0, 0, 0])
  head.writeUInt32BE(payload.length, 5)
  const sum = createHash('sha256').update(head).update(payload).digest().subarray(0, 16)
  return Buffer.concat([head, sum, payload])
}

describe('encode and decode', () => {
  test('are inverse and canonical', async () => {
    await fc.assert(
      fc.asyncProperty(record, async (sample) => {
        const bytes = encodeRecord(sample)
        const decoded = decodeRecord(bytes)
        expect(decoded).toEqual(sample)
        expect(encodeRecord(decoded)).toEqual(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  test('work on a view into a larger buffer', () => {
    const sample = logRecord(facts(insert('has_role', 'User:a', 'String:b', 'Repo:c')))
    const bytes = encodeRecord(sample)
    const larger = new Uint8Array(bytes.length + 11)
    larger.set(bytes, 7)
    expect(decodeRecord(larger.subarray(7, 7 + bytes.length))).toEqual(sample)
  })

  test('the bytes stay what they are: logs on disk rest on them', () => {
    const sample = logRecord(facts(insert('has_role', 'User:a', 'String:b', 'Repo:c'), remove('is_public', 'Repo:*'), remove('p', '*')))
    const bytes = Buffer.from(encodeRecord(sample))
    expect(bytes.subarray(25).toString()).toBe(
      '["log","write",1700000000000,["facts",[["+","has_role","User","a","String","b","Repo","c"],["-","is_public","Repo",null],["-","p",null,null]]]]',
    )
    expect(bytes.subarray(0, 25).toString('hex')).toBe('41524352010000008f9c25620482aa10acec26014f991adb1a')
    expect(bytes.equals(sealed(bytes.subarray(25).toString('latin1')))).toBe(true)
  })

  test('a body alone travels as text', async () => {
    await fc.assert(
      fc.asyncProperty(body, async (sample) => {
        expect(parseBodyText(bodyText(sample))).toEqual(sample)
      }),
    )
    expect(() => parseBodyText('["merge"]')).toThrow(ShapeError)
  })
})

describe('damage', () => {
  test('a flipped bit anywhere is detected', async () => {
    await fc.assert(
      fc.asyncProperty(record, fc.nat(), fc.integer({ min: 1, max: 255 }), async (sample, place, flip) => {
        const bytes = encodeRecord(sample)
        const index = place % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ flip
        const expected = index < 4 ? ['not-a-record'] : index < 5 || index >= 9 ? ['checksum'] : ['truncated', 'checksum']
        expect(expected).toContain(failure(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  test('a cut is detected wherever it is', () => {
    const bytes = encodeRecord(logRecord(facts(insert('has_role', 'User:a', 'String:b', 'Repo:c'))))
    for (let length = 0; length < bytes.length; length++) expect(failure(bytes.subarray(0, length))).toBe('truncated')
  })

  test('bytes after the end are detected', () => {
    const bytes = encodeRecord(logRecord({ kind: 'clear' }))
    expect(failure(new Uint8Array([...bytes, 0]))).toBe('checksum')
    expect(failure(new Uint8Array([...bytes, ...bytes]))).toBe('checksum')
  })

  test('random bytes are no record', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        expect(failure(bytes)).not.toBeNull()
      }),
    )
  })
})

describe('an intact record', () => {
  test('of a newer format is refused as such', () => {
    expect(failure(sealed('["a new kind of text"]', 2))).toBe('format')
    expect(verifyRecord(sealed('["a new kind of text"]', 2))).toBe(2)
    expect(() => decodeRecord(sealed('{}', 7))).toThrow('the record has format 7, known is 1: a newer version wrote it')
  })

  const body1 = '["facts",[["+","p","T","x"]]]'
  test('is read', () => expect(failure(sealed(`["l","w",1,${body1}]`))).toBeNull())

  test.each([
    ['', 'the text is no JSON'],
    ['{}', 'the record is no list'],
    ['null', 'the record is no list'],
    [`["l","w",1]`, 'the body is no list'],
    [`["l","w",1,${body1},1]`, 'the record has 5 items, expected 4'],
    [`[1,"w",1,${body1}]`, 'the log id is no text'],
    [`["l",null,1,${body1}]`, 'the write id is no text'],
    [`["l","w",1.5,${body1}]`, 'the time is no integer'],
    [`["l","w","1",${body1}]`, 'the time is no integer'],
    ['["l","w",1,[]]', 'the body has 0 items, expected 1'],
    ['["l","w",1,["merge"]]', 'the body is of an unknown kind "merge"'],
    ['["l","w",1,["clear",1]]', 'the body has 2 items, expected 1'],
    ['["l","w",1,["policy","s"]]', 'the body has 2 items, expected 3'],
    ['["l","w",1,["policy",1,null]]', 'the policy is no text'],
    ['["l","w",1,["policy","s",1]]', 'the file name is no text'],
    ['["l","w",1,["facts",{}]]', 'the changeset is no list'],
    ['["l","w",1,["facts",["+"]]]', 'change 0 is no list'],
    ['["l","w",1,["facts",[["+"]]]]', 'change 0 has 1 items, expected pairs'],
    ['["l","w",1,["facts",[["+","p","T"]]]]', 'change 0 has 3 items, expected pairs'],
    ['["l","w",1,["facts",[["+",null]]]]', 'the predicate of change 0 is no text'],
    ['["l","w",1,["facts",[["*","p"]]]]', 'change 0 is neither an insert nor a delete'],
    ['["l","w",1,["facts",[["+","p"],["+","p","T",null]]]]', 'change 1 inserts an argument that is no text'],
    ['["l","w",1,["facts",[["-","p",null,"x"]]]]', 'change 0 has an id without a type'],
    ['["l","w",1,["facts",[["-","p",1,"x"]]]]', 'a type of change 0 is no text'],
    ['"\xff"', 'the text is no UTF-8'],
  ])('of another shape is refused: %s', (written, reason) => {
    expect(failure(sealed(written))).toBe('shape')
    expect(() => decodeRecord(sealed(written))).toThrow(`the record cannot be read: ${reason}`)
  })
})
