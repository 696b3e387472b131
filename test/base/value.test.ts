/** Canonical ids (polar.md 9.2). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalId, sameValue } from '../../src/base/value.ts'

const cases: readonly (readonly [type: string, id: string, expected: string | undefined])[] = [
  ['Integer', '7', '7'],
  ['Integer', '007', '7'],
  ['Integer', '+7', '7'],
  ['Integer', '-7', '-7'],
  ['Integer', '-0', '0'],
  ['Integer', '+000', '0'],
  ['Integer', '-0009223372036854775808', '-9223372036854775808'],
  ['Integer', '9223372036854775807', '9223372036854775807'],
  ['Integer', '9223372036854775808', undefined],
  ['Integer', '-9223372036854775809', undefined],
  ['Integer', '1'.repeat(1000), undefined],
  ['Integer', `${'0'.repeat(1000)}1`, '1'],
  ['Integer', '', undefined],
  ['Integer', '-', undefined],
  ['Integer', ' 7', undefined],
  ['Integer', '7\n', undefined],
  ['Integer', '7.0', undefined],
  ['Integer', '1e3', undefined],
  ['Integer', '0x10', undefined],
  ['Integer', '٧', undefined],
  ['Boolean', 'true', 'true'],
  ['Boolean', 'false', 'false'],
  ['Boolean', 'True', undefined],
  ['Boolean', 'maybe', undefined],
  ['Boolean', '', undefined],
  ['String', '007', '007'],
  ['User', 'true ', 'true '],
  ['User', '', ''],
]

test.each(cases)('canonicalId(%j, %j) is %j', (type, id, expected) => {
  expect(canonicalId(type, id)).toBe(expected)
})

describe('canonicalId', () => {
  test('every integer of 64 bits is its own canonical form, however it is padded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.nat({ max: 30 }), async (number, zeros) => {
        const text = number.toString()
        expect(canonicalId('Integer', text)).toBe(text)
        const padded = text.startsWith('-') ? `-${'0'.repeat(zeros)}${text.slice(1)}` : '0'.repeat(zeros) + text
        expect(canonicalId('Integer', padded)).toBe(text)
      }),
    )
  })

  test('is idempotent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('Integer', 'Boolean', 'String', 'User'), fc.string(), async (type, id) => {
        const once = canonicalId(type, id)
        if (once !== undefined) expect(canonicalId(type, once)).toBe(once)
      }),
    )
  })
})

test('values are equal by type and id', () => {
  expect(sameValue({ type: 'User', id: '1' }, { type: 'User', id: '1' })).toBe(true)
  expect(sameValue({ type: 'User', id: '1' }, { type: 'Team', id: '1' })).toBe(false)
  expect(sameValue({ type: 'User', id: '1' }, { type: 'User', id: '2' })).toBe(false)
})
