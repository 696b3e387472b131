/** The mutation check itself: every mutation applies to the program as it is, some are tried, and what nothing notices is told. `npm run mutate` tries all. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mutation, mutated, PatchError } from '../../scripts/mutate/mutation.ts'
import { mutations } from '../../scripts/mutate/mutations.ts'
import { Workshop } from '../../scripts/mutate/workshop.ts'

/** Caught within seconds: of what a policy means, of finding what was compiled, of keeping it. */
const SAMPLE = ['drop-condition', 'one-check-for-all-types', 'stale-plan-after-write']

const textOf = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

const named = (name: string): Mutation => {
  const found = mutations.find((mutation) => mutation.name === name)
  if (!found) throw new Error(`no mutation \`${name}\``)
  return found
}

describe('the list', () => {
  test('has at least 40, each with a name and a description of its own', () => {
    expect(mutations.length).toBeGreaterThanOrEqual(40)
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length)
    expect(new Set(mutations.map(({ breaks }) => breaks)).size).toBe(mutations.length)
    expect(mutations.filter(({ name }) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([])
  })

  test.each(mutations)('$name applies', (mutation) => {
    expect(mutated(mutation, textOf(mutation.file))).not.toBe(textOf(mutation.file))
    expect(mutation.tests.map((file) => textOf(file).length > 0)).not.toContain(false)
  })

  test('a mutation whose text is gone, or stands twice, is an error', () => {
    const mutation = named('drop-condition')
    expect(() => mutated({ ...mutation, find: 'gone' }, textOf(mutation.file))).toThrow(PatchError)
    expect(() => mutated({ ...mutation, find: 'lowering' }, textOf(mutation.file))).toThrow('expected once')
    expect(() => mutated({ ...mutation, replace: mutation.find }, textOf(mutation.file))).toThrow('changes nothing')
  })
})

describe('a workshop', () => {
  const opened: Workshop[] = []
  const workshop = (): Workshop => opened[0] ?? expect.fail('no workshop')
  beforeAll(() => void opened.push(new Workshop()))
  afterAll(() => {
    for (const open of opened) open.close()
  })

  test.each(SAMPLE)('%s is caught', { timeout: 300_000 }, async (name) => {
    expect(await workshop().try(named(name))).toMatchObject({ kind: 'caught' })
  })

  const harmless = { ...named('drop-condition'), name: 'harmless', replace: named('drop-condition').find.replace('for (', 'for  (') }

  test('what changes nothing survives', { timeout: 300_000 }, async () => {
    expect(await workshop().try({ ...harmless, tests: ['test/base/value.test.ts'] })).toEqual({ kind: 'survived' })
  })

  test('a program that cannot be loaded is not taken for caught', { timeout: 300_000 }, async () => {
    const broken = { ...harmless, file: 'src/base/value.ts', find: 'export const sameValue', replace: 'export konst sameValue' }
    expect(await workshop().try({ ...broken, tests: ['test/base/value.test.ts'] })).toMatchObject({ kind: 'broken' })
  })
})
