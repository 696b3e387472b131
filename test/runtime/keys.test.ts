/** Keys that were found right once: what is remembered of them, how many, and for how long. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type KeyRecord, KeyRing, makeKey } from '../../runtime/keys.ts'
import { at } from '../../src/base/assert.ts'

/** What the ring states as its bound. */
const REMEMBERED = 1024

/** A ring that counts its hashes. */
const counting = () => {
  const count = { hashes: 0 }
  const sha256 = (text: string): Uint8Array => {
    count.hashes++
    return createHash('sha256').update(text).digest()
  }
  const ring = new KeyRing(sha256)
  /** Hashes that a header costs. */
  const cost = (header: string): number => {
    const before = count.hashes
    ring.identify(header)
    return count.hashes - before
  }
  const made = (index: number, environment = 'shop') => {
    const random = createHash('sha256').update(`${environment} ${index}`).digest('hex')
    const { key, record } = makeKey(sha256, { environment, access: 'read-write' }, random)
    return { header: `Bearer ${key}`, record }
  }
  return {
    ring,
    cost,
    made,
    own: (amount: number) =>
      filled(
        ring,
        Array.from({ length: amount }, (_, index) => made(index)),
      ),
  }
}

const filled = (ring: KeyRing, keys: readonly { readonly header: string; readonly record: KeyRecord }[]): readonly string[] => {
  for (const { record } of keys) ring.add(record)
  return keys.map(({ header }) => header)
}

const refused = (ring: KeyRing, header: string): void => expect(() => ring.identify(header)).toThrow('the API key is')

test('a header costs its hash once, and tells the same holder again', () => {
  const { ring, cost, own } = counting()
  const [header = ''] = own(1)
  expect([cost(header), cost(header), cost(header)]).toEqual([1, 0, 0])
  expect(ring.identify(header)).toMatchObject({ environment: 'shop', access: 'read-write' })
  expect(ring.identify(header)).toBe(ring.identify(header))
})

test('no more than 1,024 are remembered, and those that were forgotten are verified anew', () => {
  for (const amount of [REMEMBERED, REMEMBERED + 1, 2 * REMEMBERED, 5000]) {
    const { cost, own } = counting()
    const headers = own(amount)
    expect(headers.reduce((sum, header) => sum + cost(header), 0)).toBe(amount)
    // The newest first: a hit changes nothing, so the hits are all that was remembered.
    const costs = headers.toReversed().map(cost)
    const hits = costs.filter((hashes) => hashes === 0).length
    expect(hits).toBeGreaterThan(0)
    expect(hits).toBeLessThanOrEqual(REMEMBERED)
    // The bound is made use of.
    if (amount === REMEMBERED) expect(hits).toBe(REMEMBERED)
    expect(costs.slice(hits).every((hashes) => hashes === 1)).toBe(true)
  }
})

test('the same key in many spellings takes no more room than many keys, and a padded one none', () => {
  const { cost, own } = counting()
  const key = at(own(1), 0).replace('Bearer ', '')
  const spelled = (index: number): string =>
    `${[...'bearer'].map((letter, bit) => (index & (1 << bit) ? letter.toUpperCase() : letter)).join('')}${' '.repeat(1 + (index >> 6))}${key}`
  const headers = Array.from({ length: 3000 }, (_, index) => spelled(index))
  expect(new Set(headers).size).toBe(3000)
  for (const header of headers) expect(cost(header)).toBe(1)
  expect(headers.toReversed().filter((header) => cost(header) === 0).length).toBeLessThanOrEqual(REMEMBERED)
  const padded = `Bearer ${' '.repeat(10_000)}${key}`
  expect([cost(padded), cost(padded)]).toEqual([1, 1])
})

test('the longest key that there may be is remembered', () => {
  const { ring, cost } = counting()
  const [environment, tokenId] = ['e'.repeat(64), 't'.repeat(64)]
  const key = `e_${environment}_${tokenId}_${'s'.repeat(256)}`
  ring.add({ environment, tokenId, access: 'read-only', hash: createHash('sha256').update(key).digest('hex') })
  expect([cost(`Bearer ${key}`), cost(`Bearer ${key}`)]).toEqual([1, 0])
})

test('wrong keys are hashed each time, take no room, and push nothing out', () => {
  const { ring, cost, made, own } = counting()
  const headers = own(REMEMBERED)
  for (const header of headers) cost(header)
  const wrong = (index: number): readonly string[] => [
    `${at(headers, index % REMEMBERED)}0`,
    made(index, 'unknown').header,
    `Bearer ${index}`,
    `Basic ${index}`,
  ]
  for (let index = 0; index < 5000; index++) for (const header of wrong(index)) refused(ring, header)
  // Right before would be wrong again: what was refused is not remembered as right.
  for (const header of wrong(0)) refused(ring, header)
  expect(headers.map(cost)).toEqual(headers.map(() => 0))
})

test('a revoked key is refused with the next request, one of a deleted environment too, and the others go on', () => {
  const { ring, cost, made, own } = counting()
  const [configured = ''] = own(1)
  const [kept, revoked, gone] = [made(1), made(2), made(3, 'gone')]
  ring.follow([kept.record, revoked.record, gone.record], () => false)
  for (const { header } of [kept, revoked, gone]) expect([cost(header), cost(header)]).toEqual([1, 0])
  expect([cost(configured), cost(configured)]).toEqual([1, 0])

  ring.follow([kept.record, gone.record], (environment) => environment === 'gone')
  for (const { header } of [revoked, gone]) for (let round = 0; round < 2; round++) refused(ring, header)
  for (const header of [kept.header, configured]) expect([cost(header), cost(header)]).toEqual([1, 0])
})
