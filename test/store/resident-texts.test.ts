/** The flat dictionary against a map. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ResidentTexts } from '../../src/store/resident-texts.ts'

const MIB = 1024 * 1024

describe('resident texts', () => {
  test('finds what was added, and tells what was not, through growth and truncation', async () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constant('x'.repeat(255)),
      fc.constant('x'.repeat(256)),
    )
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ kind: fc.constant('add' as const), type: fc.integer({ min: 1, max: 3 }), text }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 400 }), async (steps) => {
        const texts = new ResidentTexts(MIB)
        let model: { type: number; text: string }[] = []
        for (const next of steps) {
          if (next.kind === 'truncate') {
            model = model.slice(0, Math.floor(model.length * next.share))
            texts.truncate(model.length)
          } else if (!model.some((known) => known.type === next.type && known.text === next.text)) {
            model.push(next)
            texts.add(model.length, next.type, next.text)
          }
        }
        expect(texts.count).toBe(model.length)
        for (const [index, { type, text: known }] of model.entries()) {
          const found = texts.find(type, known)
          expect(found === -1 || found === index + 1).toBe(true)
          if (found !== -1) expect(texts.text(index + 1)).toBe(known)
        }
        expect(texts.find(9, 'a')).toBe(0)
        for (const { text: known } of model) {
          const found = texts.find(7, known)
          expect(found).toBe(/^[\0-\x7f]{1,255}$/.test(known) ? 0 : -1)
        }
      }),
    )
  })

  test('holds many, and what it cannot hold it does not deny', () => {
    const texts = new ResidentTexts(8 * MIB)
    const total = 300_000
    for (let id = 1; id <= total; id++) texts.add(id, 1 + (id % 3), `issue-${id}`)
    const held = Array.from({ length: total }, (_, index) => index + 1).filter((id) => texts.find(1 + (id % 3), `issue-${id}`) === id)
    expect(texts.lossless).toBe(false)
    expect(texts.sizeBytes).toBeLessThan(10 * MIB)
    expect(held.length).toBeGreaterThan(100_000)
    expect(held.length).toBeLessThan(total)
    for (const id of held.slice(0, 1000)) expect(texts.text(id)).toBe(`issue-${id}`)
  })

  test('keys that collide cost a bounded number of looks, and are not denied', () => {
    // Enough texts for one table to overflow its near places: they share the upper and the lower bits of their hash.
    const texts = new ResidentTexts(64 * MIB)
    for (let id = 1; id <= 5000; id++) texts.add(id, 1, `k${id}`)
    expect(texts.lossless).toBe(true)
    for (let id = 1; id <= 5000; id++) expect(texts.find(1, `k${id}`)).toBe(id)
    expect(texts.find(1, 'k5001')).toBe(0)
  })
})
