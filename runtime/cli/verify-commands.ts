/** `verify`: checks published snapshots and deltas. Asks no server. */
import type { Command } from 'commander'
import type { VerifyOptions } from './verify-store.ts'

export const addVerifyCommands = (program: Command): void => {
  program
    .command('verify')
    .description('load published snapshots and deltas, and recompute their state hashes')
    .argument('[environment]', 'by default every one that the store has')
    .option('--store <place>', 'as ARCTOS_STORE; by default that, or the folder `objects` of the data directory')
    .option('--directory <folder>', 'the data directory, as OSO_DIRECTORY')
    .action(async (environment: string | undefined, options: VerifyOptions) => {
      // Only this command needs databases and object stores, which take longer to load than the others to run.
      const { verifyStore } = await import('./verify-store.ts')
      await verifyStore(environment, options)
    })
}
