/** `snapshot`: cuts one now, with the admin key. */
import type { Command } from 'commander'
import { connectAsAdmin } from './connection.ts'
import { print } from './output.ts'

export const addSnapshotCommands = (program: Command): void => {
  program
    .command('snapshot')
    .description('publish a snapshot of an environment now')
    .argument('<environment>')
    .action(async (environment: string) => {
      const { revision, key } = await connectAsAdmin().snapshot(environment)
      print(`published ${key}, revision ${revision}`)
    })
}
