#!/usr/bin/env node
/** The command line `arctos`. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { ClientError } from '../../src/client/client.ts'
import { CliError } from './cli-error.ts'
import { addFactCommands } from './fact-commands.ts'
import { addKeyCommands } from './key-commands.ts'
import { print, printError } from './output.ts'
import { addPolicyCommands } from './policy-commands.ts'
import { addQuestionCommands } from './question-commands.ts'
import { addServeCommands } from './serve.ts'

const packageVersion = async (): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '0.0.0'
}

// CI actions read the second and the fourth word.
const versionLine = async (): Promise<string> => `version: ${await packageVersion()} sha: unknown`

const main = async (): Promise<void> => {
  const program = new Command('arctos').description('authorization from Polar policies').showHelpAfterError()
  addServeCommands(program)
  addPolicyCommands(program)
  addFactCommands(program)
  addQuestionCommands(program)
  addKeyCommands(program)
  program
    .command('version')
    .description('print the version')
    .action(async () => print(await versionLine()))
  program.version(await versionLine(), '--version')
  await program.parseAsync()
}

try {
  await main()
} catch (error) {
  // Both say all that the caller can use; everything else is a bug and keeps its stack.
  printError(
    error instanceof CliError || error instanceof ClientError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = 1
}
