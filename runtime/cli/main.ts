#!/usr/bin/env node
/** The command line `arctos`. */
import { Command } from 'commander'
import { ClientError } from '../../src/client/transport.ts'
import { packageVersion } from '../node/version.ts'
import { addBackupCommands } from './backup-commands.ts'
import { CliError } from './cli-error.ts'
import { addDevCommand } from './dev.ts'
import { addEdgeCommand } from './edge.ts'
import { addEnvCommands } from './env-commands.ts'
import { addFactCommands } from './fact-commands.ts'
import { addFallbackCommand } from './fallback.ts'
import { addFormatCommands } from './format-commands.ts'
import { addImportCommands } from './import-commands.ts'
import { addKeyCommands } from './key-commands.ts'
import { print, printError } from './output.ts'
import { addPolicyCommands } from './policy-commands.ts'
import { addQuestionCommands } from './question-commands.ts'
import { addReplicateCommand } from './replicate.ts'
import { addServeCommands } from './serve.ts'
import { addSnapshotCommands } from './snapshot-commands.ts'
import { addVerifyCommands } from './verify-commands.ts'

// CI actions read the second and the fourth word.
const versionLine = async (): Promise<string> => `version: ${await packageVersion()} sha: unknown`

const main = async (): Promise<void> => {
  const program = new Command('arctos').description('authorization from Polar policies').showHelpAfterError()
  addServeCommands(program)
  addDevCommand(program)
  addReplicateCommand(program)
  addEdgeCommand(program)
  addFallbackCommand(program)
  addPolicyCommands(program)
  addFactCommands(program)
  addFormatCommands(program)
  addImportCommands(program)
  addQuestionCommands(program)
  addEnvCommands(program)
  addKeyCommands(program)
  addSnapshotCommands(program)
  addBackupCommands(program)
  addVerifyCommands(program)
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
