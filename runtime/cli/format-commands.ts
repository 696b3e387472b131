/** `fmt` and `generate-types`: what is made from policy files without a server. */

import { writeFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { messageOf } from '../../src/base/message.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { TooManyTypes, typescriptTypes } from '../../src/engine/typescript-types.ts'
import { TooComplex } from '../../src/ir/budget.ts'
import { formatPolicy } from '../../src/polar/format.ts'
import { CliError } from './cli-error.ts'
import { print, printError } from './output.ts'
import { decodePolicyFile, readBytes, readPolicyFiles, showDiagnostics } from './policy-files.ts'

export const addFormatCommands = (program: Command): void => {
  program
    .command('fmt')
    .description('lay policy files out; one that does not parse is left as it is')
    .argument('<file...>', 'policy files, or - to read one from standard input and write it to standard output')
    .option('--check', 'change nothing, and fail when a file would change')
    .action(format)
  program
    .command('generate-types')
    .description('types of the facts and queries of a policy, for a typed client; on standard output')
    .argument('<language>', 'typescript')
    .argument('<file...>')
    .action(generateTypes)
}

const format = async (paths: readonly string[], { check = false }: { readonly check?: boolean }): Promise<void> => {
  let broken = 0
  let changed = 0
  for (const path of paths) {
    const outcome = await formatOne(path, check)
    if (outcome === 'broken') broken += 1
    if (outcome === 'changed') changed += 1
  }
  if (broken > 0)
    throw new CliError(`${broken} of ${paths.length} files cannot be parsed, nothing in ${broken === 1 ? 'it' : 'them'} was changed`)
  if (check && changed > 0)
    throw new CliError(`${changed} of ${paths.length} files would change: run \`arctos fmt\` on ${changed === 1 ? 'it' : 'them'}`)
}

const formatOne = async (path: string, check: boolean): Promise<'same' | 'changed' | 'broken'> => {
  const standardInput = path === '-'
  const bytes = standardInput ? await buffer(process.stdin) : await readBytes(path)
  const file = decodePolicyFile(standardInput ? 'standard input' : path, bytes)
  const { value, diagnostics } = formatPolicy(file)
  if (value === null) {
    printError(showDiagnostics([file], diagnostics))
    return 'broken'
  }
  if (standardInput && !check) process.stdout.write(value)
  // The bytes: a byte-order mark is a change, too.
  if (bytes.equals(Buffer.from(value))) return 'same'
  if (!standardInput && !check) await writeText(path, value)
  if (!standardInput || check) print(`${check ? 'would format' : 'formatted'} ${file.name}`)
  return 'changed'
}

const writeText = async (path: string, text: string): Promise<void> =>
  writeFile(path, text).catch((cause: unknown) => {
    throw new CliError(`\`${path}\` cannot be written: ${messageOf(cause)}`, { cause })
  })

const generateTypes = async (language: string, paths: readonly string[]): Promise<void> => {
  if (language !== 'typescript') throw new CliError(`types can be generated for \`typescript\`, found \`${language}\``)
  const { files } = await readPolicyFiles(paths)
  const { value, diagnostics } = compilePolicy(files)
  if (diagnostics.length > 0) printError(showDiagnostics(files, diagnostics))
  if (value === null) throw new CliError('the policy is not valid, no types were generated')
  try {
    process.stdout.write(typescriptTypes(value))
  } catch (error) {
    throw error instanceof TooManyTypes || error instanceof TooComplex
      ? new CliError(`no types were generated: ${error.message}`, { cause: error })
      : error
  }
}
