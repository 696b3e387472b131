/** The questions of the example, and a write that changes an answer, as lines for a shell. */
import { exampleQuestions } from '../runtime/example.ts'
import type { Fact } from '../src/base/value.ts'

export const questionLines = (url: string, key: string): readonly string[] =>
  exampleQuestions.map(({ path, body, answer }) => `  ${curl(url, path, key, body)}  # ${answer}`)

export const curl = (url: string, path: string, key: string, body: unknown): string =>
  `curl -s ${url}${path} -H 'Authorization: Bearer ${key}' -d '${JSON.stringify(body)}'`

/** With it Ann may push to the website. */
export const promotion: Fact = {
  predicate: 'has_role',
  args: [
    { type: 'User', id: 'ann' },
    { type: 'String', id: 'contributor' },
    { type: 'Repository', id: 'website' },
  ],
}
