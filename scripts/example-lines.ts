/** The questions of the example as lines for a shell. */
import { exampleQuestions } from '../runtime/example.ts'

export const questionLines = (url: string, key: string): readonly string[] =>
  exampleQuestions.map(({ path, body, answer }) => `  ${curl(url, path, key, body)}  # ${answer}`)

export const curl = (url: string, path: string, key: string, body: unknown): string =>
  `curl -s ${url}${path} -H 'Authorization: Bearer ${key}' -d '${JSON.stringify(body)}'`
