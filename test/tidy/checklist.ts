/** Which lines of a checklist the titles of tests name. */
import { known } from '../../src/base/assert.ts'
import { scan } from './scan.ts'

/** Of the language, of the API. */
export type Checklist = 'polar' | 'http'

/** `polar 21` or `polar 21, 23: …` at the beginning; a number with a point is a section. */
const prefixes: Readonly<Record<Checklist, RegExp>> = {
  polar: /^polar (\d+(?:, \d+)*)(?=[:'"`]|$)/,
  http: /^http (\d+(?:, \d+)*)(?=[:'"`]|$)/,
}

export const linesOfTitle = (checklist: Checklist, title: string): number[] => numbers(prefixes[checklist].exec(title)?.[1] ?? '')

/** Numbers in the titles of a file of tests; comments and names in prose do not count. */
export const linesInTitles = (checklist: Checklist, source: string): number[] =>
  scan(source)
    .filter(({ kind }) => kind === 'literal')
    .flatMap(({ text }) => linesOfTitle(checklist, text.slice(1)))

/** Numbers of a world, which the title of its test names. */
export const linesOfWorld = (world: string): number[] =>
  numbers(/^checklist (.+)$/m.exec(known(world.split('\n--- ')[0], 'head'))?.[1] ?? '')

const numbers = (text: string): number[] => (text === '' ? [] : text.split(', ').map(Number))
