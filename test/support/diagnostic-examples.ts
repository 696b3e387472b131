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
  readonly found: { readonly by: 'tests' } | { readonly by: 'question'; readonly question: Question } | Saving
}

/** Over facts in store. */
export interface Saving {
  readonly by: 'saving'
  readonly facts: readonly Fact[]
  /** As written. */
  readonly text: string
}

/** Bounds of time and memory: what reaches them depends on the machine. The page has a row for each. */
export const withoutExample: readonly string[] = ['query-too-slow', 'query-too-large', 'query-too-complex']

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
    found: foundBy(section('ask'), section('facts')),
  }
}

const foundBy = (ask: string | null, facts: string | null): OutcomeExample['found'] => {
  if (ask !== null) return { by: 'question', question: wholeQuestion(ask) }
  return facts === null ? { by: 'tests' } : { by: 'saving', facts: factsOf(facts), text: facts }
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
  ['bad', 'said', 'good', 'ask', 'facts'],
)
