/** Why a server refused a policy, with the source lines that it is about. */
import { ClientError } from '../../src/client/transport.ts'
import type { SourceFile } from '../../src/polar/source.ts'
import { CliError } from './cli-error.ts'
import { showMessage } from './policy-files.ts'

/** The reason why a policy was refused, every place with its source line. */
export const policyRefusal = (files: readonly SourceFile[], error: unknown): unknown => {
  if (!(error instanceof ClientError)) return error
  const messages = messagesIn(error.body)
  return messages.length === 0 ? error : new CliError(messages.map((message) => showMessage(files, message)).join('\n\n'), { cause: error })
}

/** Messages of the `errors` of a refusal, or of its test results. */
const messagesIn = (body: unknown): readonly string[] => {
  if (typeof body !== 'object' || body === null) return []
  if ('test_results' in body) return messagesIn(body.test_results)
  const errors: unknown = 'errors' in body ? body.errors : []
  if (!Array.isArray(errors)) return []
  return errors.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'message' in entry && typeof entry.message === 'string' ? [entry.message] : [],
  )
}
