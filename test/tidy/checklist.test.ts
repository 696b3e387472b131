/** Every line of the language's checklist is named by a test that runs on Node and where edges run. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { linesInTitles, linesOfWorld } from './checklist.ts'

const LINES = 100

const filesIn = (folder: string, ending: string): string[] => {
  const path = fileURLToPath(new URL(`../${folder}/`, import.meta.url))
  return readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(`${path}${name}`, 'utf8'))
}

const missing = (named: ReadonlySet<number>): number[] =>
  Array.from({ length: LINES }, (_, index) => index + 1).filter((line) => !named.has(line))

test('each of the 100 lines is in the title of a portable test', () => {
  const tests = filesIn('portable', '.test.ts').flatMap((source) => linesInTitles('polar', source))
  const worlds = filesIn('corpus', '.world').flatMap(linesOfWorld)
  const named = new Set([...tests, ...worlds])
  expect(missing(named)).toEqual([])
  expect([...named].filter((line) => line < 1 || line > LINES)).toEqual([])
  expect(missing(new Set([...named].filter((line) => line !== 41)))).toEqual([41])
})

test('only titles count', () => {
  const source = `/** polar 1 */
// polar 2: not
test('polar 3: one', () => {})
describe('polar 4, 5: two', () => {})
test.each([['polar 6', 'a'], ["polar 7, 8", 'b']])('%s: %s', () => {})
test('rows of polar 9', () => {})
describe('polar 10.2: a section', () => {})
describe('polar 11', () => {})
const text = 'of polar 12: none'
const lines = { 'http 13: one': async (place) => {}, 'http 14.2: a section': async () => {} }
`
  expect(linesInTitles('polar', source)).toEqual([3, 4, 5, 6, 7, 8, 11])
  expect(linesInTitles('http', source)).toEqual([13])
  expect(linesOfWorld('A world.\nchecklist 3, 14\n\n--- policy\nchecklist 5\n')).toEqual([3, 14])
  expect(linesOfWorld('A world.\n\n--- policy\n')).toEqual([])
})
