/** `fallback`: a read-only server for one environment, with a copy on disk. */
import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { run } from './edge.ts'
import { configured, type FlagValues, withSettings } from './flags.ts'
import { print } from './output.ts'

export const addFallbackCommand = (program: Command): void => {
  withSettings(
    program
      .command('fallback')
      .description('run a fallback: read-only, for one environment, from a copy on disk that follows the object store'),
  )
    .option('--export <file>', 'write an archive of the environment and end')
    .option('--import <file>', 'start from this archive when the object store does not answer')
    .action(fallback)
}

const fallback = async (options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  const { export: exported, import: imported } = options
  const { exportFallback, startFallback } = await import('../node/fallback.ts')
  if (typeof exported === 'string') {
    const { StartError } = await import('../node/start.ts')
    await exportFallback(configuration, exported).catch((error: unknown) => {
      throw error instanceof StartError ? new CliError(error.message, { cause: error }) : error
    })
    return print(`exported to ${exported}`)
  }
  const archive = typeof imported === 'string' ? imported : null
  return run(
    () => startFallback(configuration, archive),
    `a read-only fallback for environment ${configuration.fallbackEnvironment ?? ''}, tenant ${configuration.tenant ?? ''}`,
  )
}
