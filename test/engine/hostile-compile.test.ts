/** Hostile policies are refused or compiled within bounds of steps and memory, always with a diagnostic for what is refused. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import { hostilePolicies } from './hostile-policies.ts'

interface Compiled {
  readonly name: string
  readonly codes: readonly string[]
  readonly compiled: boolean
  readonly diagnostics: number
  readonly steps: number
  readonly bytes: number
}

/** Heap of the process that compiles them: a policy that is multiplied out where it should be refused does not fit. */
const HEAP_MB = 384
/** Steps that the bytes of a text may take, and those that the bounds of the compiler allow any text beside. */
const STEPS_PER_BYTE = 100
const STEPS = 120_000_000

const child = fileURLToPath(new URL('children/compile-hostile.ts', import.meta.url))
/** What the child prints is trusted to have its shape. */
const compileAll = (): Compiled[] =>
  execFileSync(process.execPath, [`--max-old-space-size=${HEAP_MB}`, child], { encoding: 'utf8', timeout: 280_000 })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Compiled)

test('every one ends as it should, in so many steps and so much memory', { timeout: 300_000 }, () => {
  const found = compileAll()
  expect(found.map(({ name }) => name)).toEqual(Object.keys(hostilePolicies))
  expect(found.length).toBeGreaterThanOrEqual(40)
  const wrong = found.filter(({ name, codes, compiled }) => {
    const code = hostilePolicies[name]?.code ?? null
    return code === null ? !compiled || codes.length > 0 : compiled || !codes.includes(code)
  })
  expect(wrong).toEqual([])
  expect(found.filter(({ diagnostics }) => diagnostics > limits.diagnostics)).toEqual([])
  expect(found.filter(({ bytes }) => bytes > limits.writeBytes)).toEqual([])
  expect(found.filter(({ steps, bytes }) => steps > STEPS + STEPS_PER_BYTE * bytes)).toEqual([])
  expect(Math.min(...found.map(({ steps }) => steps))).toBeGreaterThan(1000)
})
