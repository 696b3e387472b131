/** `replicate`: the replicator of a cell, to which its runtimes connect. */
import type { Command } from 'commander'
import type { Configuration } from '../../src/ops/settings.ts'
import { keepCompiled, writeCompiled } from '../node/compiled-modules.ts'
import { configured, type FlagValues, withSettings } from './flags.ts'
import { print } from './output.ts'

export const addReplicateCommand = (program: Command): void => {
  withSettings(
    program
      .command('replicate')
      .description(
        "run a cell's replicator: it appends writes to the log, hands what the log holds to its runtimes, and publishes snapshots",
      ),
  ).action(replicate)
}

const replicate = async (options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  keepCompiled(configuration.directory)
  const [{ startReplicatorProcess }, { startRunning }, { printPlace }] = await Promise.all([
    import('../node/replicate.ts'),
    import('./running.ts'),
    import('../node/cell-places.ts'),
  ])
  const running = await startRunning(() => startReplicatorProcess(configuration))
  writeCompiled()
  print(banner(printPlace(running.place), configuration))
}

const banner = (place: string, { log, store, directory }: Configuration): string =>
  [
    `arctos replicates at ${place}, data in ${directory}`,
    `log: ${log}`,
    `store: ${store ?? `file:${directory}/objects`}`,
    `start runtimes with ARCTOS_REPLICATOR=${place}`,
  ].join('\n')
