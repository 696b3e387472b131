/** `restore`: brings an environment back to a retained revision, with the admin key. */
import type { Command } from 'commander'
import { connectAsAdmin } from './connection.ts'
import { inEffect, wholeNumber } from './env-commands.ts'
import { print } from './output.ts'

export const addRestoreCommands = (program: Command): void => {
  program
    .command('restore')
    .description('bring an environment back to a retained revision, in every cell')
    .argument('<environment>')
    .requiredOption('--to <revision>', 'the revision to go back to')
    .action(async (environment: string, { to }: { readonly to: string }) => {
      const { revision, applied } = await connectAsAdmin().restore(environment, wholeNumber(to, '--to'))
      print(`environment ${environment} is what it was at revision ${to}, since revision ${revision}${inEffect(applied)}`)
    })
}
