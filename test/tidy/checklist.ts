/** Which lines of a checklist the titles of tests name. */
import { known } from '../../src/base/assert.ts'
import { scan } from './scan.ts'

/** `polar 21` or `polar 21, 23: …` at the beginning of a text literal; a number with a point is a section. */
const TITLE = /^['"`]polar (\d+(?:, \d+)*)(?=[:'"`])/

/** Numbers in the titles of a file of tests; comments and names in prose do not count. */
export const linesInTitles = (source: string): number[] =>
  scan(source)
    .filter(({ kind }) => kind === 'literal')
    .flatMap(({ text }) => numbers(TITLE.exec(text)?.[1] ?? ''))

/** Numbers of a world, which the title of its test names. */
export const linesOfWorld = (world: string): number[] =>
  numbers(/^checklist (.+)$/m.exec(known(world.split('\n--- ')[0], 'head'))?.[1] ?? '')

const numbers = (text: string): number[] => (text === '' ? [] : text.split(', ').map(Number))
