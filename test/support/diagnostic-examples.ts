/** The examples of the corpus for what is said about a policy, one file per code. `test/corpus/README.md` describes their form. */
import { known } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { Question } from './question.ts'
import { factsOf, sectionsOf, wholeQuestion } from './world.ts'

export interface DiagnosticExample {
  readonly code: string
  /** `hex`: the bytes of a file, for what no text can show. */
  readonly bad: { readonly language: 'polar' | 'hex'; readonly code: string }
  /** What is said about the bad one. */
  readonly said: string
  /** Nothing is said about this one. */
  readonly good: string
}

/** Of a policy that compiles: what finds it out. */
export interface OutcomeExample extends DiagnosticExample {
  readonly found: { readonly by: 'tests' } | Asking | Saving
}

export interface Asking {
  readonly by: 'question'
  readonly question: Question
  /** What it may take, where that is less than usual: time by a clock that stands still, or memory. */
  readonly under: Bound | null
}

/** As written: `10 ms`. */
export interface Bound {
  readonly amount: number
  readonly unit: 'ms' | 'MiB'
}

/** Over facts in store. */
export interface Saving {
  readonly by: 'saving'
  readonly facts: readonly Fact[]
  /** As written. */
  readonly text: string
}

/** Throws on a mistake in the example. */
const parseExample = (name: string, text: string, kinds: readonly string[]): OutcomeExample => {
  const { head, of } = sectionsOf(name, text, kinds)
  if (head !== '') throw new Error(`${name}: expected a section first`)
  const section = (kind: string): string | null => {
    const [content, ...more] = of(kind)
    if (more.length > 0) throw new Error(`${name}: two sections ${kind}`)
    return content === undefined ? null : content.replace(/\n+$/, '')
  }
  const language = of('bytes').length > 0 ? 'hex' : 'polar'
  return {
    code: name,
    bad: { language, code: known(section('bytes') ?? section('bad'), `bad in ${name}`) },
    said: known(section('said'), `said in ${name}`),
    good: known(section('good'), `good in ${name}`),
    found: foundBy(section('ask'), section('under'), section('facts')),
  }
}

const foundBy = (ask: string | null, under: string | null, facts: string | null): OutcomeExample['found'] => {
  if (ask !== null) return { by: 'question', question: wholeQuestion(ask), under: under === null ? null : boundOf(under) }
  return facts === null ? { by: 'tests' } : { by: 'saving', facts: factsOf(facts), text: facts }
}

const boundOf = (text: string): Bound => {
  const [, amount, unit] = /^(\d+) (ms|MiB)$/.exec(text) ?? []
  if (unit !== 'ms' && unit !== 'MiB') throw new Error(`expected a bound such as \`10 ms\`: ${text}`)
  return { amount: Number(amount), unit }
}

const examplesOf = (files: Readonly<Record<string, string>>, kinds: readonly string[]): OutcomeExample[] =>
  Object.entries(files)
    .map(([path, text]) => parseExample(path.replace(/^.*\/|\.example$/g, ''), text, kinds))
    .toSorted((a, b) => (a.code < b.code ? -1 : 1))

/** Of a text. */
export const diagnosticExamples: readonly DiagnosticExample[] = examplesOf(
  import.meta.glob('../corpus/diagnostics/*.example', { query: '?raw', import: 'default', eager: true }),
  ['bad', 'bytes', 'said', 'good'],
)

/** Of a policy that compiles: of its tests, of a question to it, of saving it over facts. */
export const outcomeExamples: readonly OutcomeExample[] = examplesOf(
  import.meta.glob('../corpus/outcomes/*.example', { query: '?raw', import: 'default', eager: true }),
  ['bad', 'said', 'good', 'ask', 'under', 'facts'],
)
