/** Policy files on the command line: read, joined to one text, and shown with their mistakes. */

import { readFile } from 'node:fs/promises'
import { messageOf } from '../../src/base/message.ts'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { decodeSource, joinFiles } from '../../src/polar/files.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import type { SourceFile } from '../../src/polar/source.ts'
import { CliError } from './cli-error.ts'

export interface PolicyFiles {
  readonly files: readonly SourceFile[]
  /** What is sent: one file as it is, several joined. */
  readonly source: string
  readonly filename: string | null
}

export const readPolicyFiles = async (paths: readonly string[]): Promise<PolicyFiles> => {
  const files = await Promise.all(paths.map(readPolicyFile))
  const [only, ...rest] = files
  if (only === undefined) throw new CliError('name at least one policy file')
  return rest.length === 0 ? { files, source: only.text, filename: only.name } : { files, source: joinFiles(files), filename: null }
}

const readPolicyFile = async (path: string): Promise<SourceFile> => decodePolicyFile(path, await readBytes(path))

export const readBytes = async (path: string): Promise<Buffer> =>
  readFile(path).catch((cause: unknown) => {
    throw new CliError(`\`${path}\` cannot be read: ${messageOf(cause)}`, { cause })
  })

export const decodePolicyFile = (name: string, bytes: Uint8Array): SourceFile => {
  const { value, diagnostics } = decodeSource(bytes)
  const [problem] = diagnostics
  if (value !== null) return { name, text: value }
  throw new CliError(problem === undefined ? `\`${name}\` is no text` : `${name}: ${problem.message}`)
}

export const showDiagnostics = (files: readonly SourceFile[], diagnostics: readonly Diagnostic[]): string =>
  diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic)).join('\n\n')

/** A message of the server with the source line it is about: `file:line:column: …`. */
export const showMessage = (files: readonly SourceFile[], message: string): string => {
  const file = files.find(({ name }) => message.startsWith(`${name}:`))
  const [, line, column] = /^:([0-9]+):([0-9]+): /.exec(message.slice(file?.name.length ?? 0)) ?? []
  const text = file?.text.split('\n')[Number(line) - 1]
  if (text === undefined || line === undefined || column === undefined) return message
  // Tabs stay tabs, so that the caret stands below its character.
  const before = Array.from(text).slice(0, Number(column) - 1)
  const indent = before.map((character) => (character === '\t' ? '\t' : ' ')).join('')
  return `${message}\n  ${line} | ${text}\n  ${' '.repeat(line.length)} | ${indent}^`
}
