/** `policy` and its subcommands, `validate`, `test`. */
import type { Command } from 'commander'
import { compilePolicy } from '../../src/engine/compile.ts'
import type { SourceFile } from '../../src/polar/source.ts'
import type { PolicyTestResult } from '../../src/wire/responses.ts'
import { CliError } from './cli-error.ts'
import { connect } from './connection.ts'
import { countOf, print, printError } from './output.ts'
import { readPolicyFiles, showDiagnostics, showMessage } from './policy-files.ts'
import { addPolicyHistory } from './policy-history.ts'
import { policyRefusal } from './policy-refusal.ts'

export const addPolicyCommands = (program: Command): void => {
  const policy = program
    .command('policy')
    .description('upload a policy; several files are one policy')
    .argument('[file...]')
    .option('-f, --file <file>', 'a policy file; may repeat', collect)
    .option('--force', 'save although policy tests fail')
    .action(upload)
  addPolicyHistory(policy)
  program.command('validate').description('check policy files offline').argument('<file...>').action(validate)
  program
    .command('test')
    .description("run a policy's tests on the server without changing it")
    .argument('<file...>')
    .option('--fail-fast', 'stop at the first failing assertion')
    .action(test)
}

const upload = async (
  paths: readonly string[],
  { file = [], force = false }: { readonly file?: readonly string[]; readonly force?: boolean },
): Promise<void> => {
  const { files, source, filename } = await readPolicyFiles([...file, ...paths])
  try {
    const { message, changed } = await connect().savePolicy(source, filename, { force, showSuggestions: true })
    print(changed ? showMessage(files, message) : 'the policy is unchanged, nothing was saved')
  } catch (error) {
    throw policyRefusal(files, error)
  }
}

const validate = async (paths: readonly string[]): Promise<void> => {
  const { files } = await readPolicyFiles(paths)
  const { value, diagnostics } = compilePolicy(files)
  if (diagnostics.length > 0) printError(showDiagnostics(files, diagnostics))
  if (value === null) throw new CliError(countOf(diagnostics.filter(({ severity }) => severity === 'error').length, 'error'))
  print(diagnostics.length === 0 ? 'the policy is valid' : `the policy is valid, with ${countOf(diagnostics.length, 'warning')}`)
}

const test = async (paths: readonly string[], { failFast = false }: { readonly failFast?: boolean }): Promise<void> => {
  const { files, source, filename } = await readPolicyFiles(paths)
  const result = await connect().testPolicy(source, filename, { failFast, showSuggestions: true })
  printTests(files, result)
  if (!result.success) throw new CliError(result.tests.length === 0 ? 'the policy is not valid' : 'policy tests failed')
  print(`${countOf(result.tests.length, 'test')} passed`)
}

/** A line per test, and every mistake with its source line. */
export const printTests = (files: readonly SourceFile[], { tests, errors }: PolicyTestResult): void => {
  for (const { name, passed, total } of tests) print(`${passed === total ? 'pass' : 'FAIL'} ${name} (${passed} of ${total})`)
  for (const { message } of errors) printError(showMessage(files, message))
}

// No default of the option itself: the help would show it.
const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
