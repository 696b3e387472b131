/** Worlds: one file of policy, facts and expectations, that any implementation can run. `test/corpus/README.md` describes the format. */
import type { Fact } from '../../src/base/value.ts'
import type { Asked, Question } from './question.ts'
import { cursorOf, expectEnd, readFact, readQuestion } from './world-reader.ts'

export interface World {
  readonly name: string
  /** Lines of the checklist of the language that it shows, named in the title of its test. */
  readonly checklist: readonly number[]
  readonly policy: string
  readonly facts: readonly Fact[]
  /** Stored, but not accepted by the policy: left by an earlier one. */
  readonly unused: readonly Fact[]
  readonly expectations: readonly Expectation[]
}

export type Expectation = QuestionExpectation | FactExpectation

export interface QuestionExpectation {
  readonly kind: 'question'
  readonly asked: Asked
  /** The answer's text. */
  readonly expected: string
  /** As written. */
  readonly text: string
}

/** Whether the policy accepts a fact. */
export interface FactExpectation {
  readonly kind: 'accepts'
  readonly fact: Fact
  readonly expected: boolean
  readonly text: string
}

/** `@current_unix_time` of a world that does not say another. */
export const worldUnixSeconds = 1_800_000_000

/** Throws on a mistake in the world. */
export const parseWorld = (name: string, text: string): World => {
  const { head, of } = sectionsOf(name, text, ['policy', 'facts', 'unused', 'expect'])
  return {
    name,
    checklist: checklistOf(head),
    policy: of('policy').join('\n'),
    facts: of('facts').flatMap(factsOf),
    unused: of('unused').flatMap(factsOf),
    expectations: of('expect').flatMap(expectationsOf),
  }
}

export interface Sections {
  /** What stands before the first one. */
  readonly head: string
  /** Contents of the sections whose title starts with that word. */
  readonly of: (kind: string) => string[]
}

/** Of a file of the corpus; throws on a kind that it may not have. */
export const sectionsOf = (name: string, text: string, kinds: readonly string[]): Sections => {
  const [head = '', ...rest] = text.split(/^--- */m)
  const sections = rest.map(sectionOf)
  const unknown = sections.find(({ kind }) => !kinds.includes(kind))
  if (unknown) throw new Error(`${name}: unknown section ${unknown.kind}`)
  return { head, of: (kind) => sections.filter((section) => section.kind === kind).map(({ content }) => content) }
}

/** `checklist 21, 23` on a line of its own. */
const checklistOf = (head: string): number[] => {
  const line = /^checklist (.+)$/m.exec(head)?.[1] ?? ''
  return line === '' ? [] : line.split(', ').map(Number)
}

/** `polar 21, 23: arities`. */
export const worldTitle = ({ name, checklist }: World): string => (checklist.length === 0 ? name : `polar ${checklist.join(', ')}: ${name}`)

const sectionOf = (section: string): { kind: string; content: string } => {
  const [title = '', ...lines] = section.split('\n')
  return { kind: title.split(/\W/)[0] ?? '', content: lines.join('\n') }
}

/** Lines without comments and blank ones; an indented line continues the one before. */
const linesOf = (content: string): string[] =>
  content
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\n\s+/g, ' ')
    .split('\n')
    .filter((line) => line !== '')

export const factsOf = (content: string): Fact[] => linesOf(content).map(wholeFact)

const wholeFact = (line: string): Fact => {
  const cursor = cursorOf(line)
  const fact = readFact(cursor)
  expectEnd(cursor)
  return fact
}

/** `with` and `now` lines count until the end of their section. */
const expectationsOf = (content: string): Expectation[] => {
  const found: Expectation[] = []
  const contextFacts: Fact[] = []
  let unixSeconds = worldUnixSeconds
  for (const line of linesOf(content)) {
    const [word = ''] = line.split(' ', 1)
    const rest = line.slice(word.length + 1)
    if (word === 'with') contextFacts.push(wholeFact(rest))
    else if (word === 'now') unixSeconds = Number(rest)
    else found.push(expectationOf(line, [...contextFacts], unixSeconds))
  }
  return found
}

const expectationOf = (line: string, contextFacts: readonly Fact[], unixSeconds: number): Expectation => {
  const split = line.lastIndexOf(' = ')
  if (split < 0) throw new Error(`expected \` = \` and an answer: ${line}`)
  const expected = line.slice(split + 3).trim()
  const asked = line.slice(0, split).trim()
  if (asked.startsWith('accepts ')) return { kind: 'accepts', fact: wholeFact(asked.slice(8)), expected: expected === 'true', text: line }
  const question = wholeQuestion(asked)
  const full = expected === 'refused' ? 'refused cannot-be-enumerated' : expected
  return { kind: 'question', asked: { question, contextFacts, unixSeconds }, expected: full.replaceAll(/\s+/g, ' '), text: line }
}

export const wholeQuestion = (text: string): Question => {
  const cursor = cursorOf(text)
  const question = readQuestion(cursor)
  expectEnd(cursor)
  return question
}
