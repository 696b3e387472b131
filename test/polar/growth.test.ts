/** Parsing takes time linear in the length of the text, told by counting steps: a clock would tell something else on every machine. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface Measured {
  readonly name: string
  readonly small: { readonly length: number; readonly steps: number }
  readonly large: { readonly length: number; readonly steps: number }
}

interface Growth {
  readonly families: readonly Measured[]
  readonly planted: Measured
  readonly worst: { readonly seed: number; readonly stepsPerCharacter: number }
}

/** Steps per character of any text. */
const MOST = 200
/** How much more than in proportion a longer text may take: its numbers have more digits, and 100 mistakes cost more than none. */
const MORE = 1.2

const child = fileURLToPath(new URL('children/growth.ts', import.meta.url))
/** What the child prints is trusted to have its shape. */
const measure = (): Growth => JSON.parse(execFileSync(process.execPath, [child], { encoding: 'utf8', timeout: 50_000 })) as Growth

const isLinear = ({ small, large }: Measured): boolean => large.steps <= MORE * small.steps * (large.length / small.length)

test('every growing family is parsed in linear time, and random input in as many steps per character', () => {
  const { families, planted, worst } = measure()
  expect(families.length).toBeGreaterThan(40)
  expect(families.filter((family) => !isLinear(family))).toEqual([])
  expect(families.filter(({ large }) => large.steps > MOST * large.length)).toEqual([])
  expect(worst.stepsPerCharacter > MOST ? worst : null).toBe(null)
  expect(worst.stepsPerCharacter).toBeGreaterThan(1)
  expect(isLinear(planted)).toBe(false)
})
