/** The settings as flags of the commands that run a process, and how such a process ends. */
import type { Command } from 'commander'
import { type Configured, configure } from '../../src/ops/configuration.ts'
import { type Setting, settings } from '../../src/ops/settings.ts'
import { failureFields } from '../failure-fields.ts'
import type { RunningServer } from '../node.ts'
import { CliError } from './cli-error.ts'

export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Every setting as a flag of the command. */
export const withSettings = (command: Command): Command => {
  for (const setting of Object.values<Setting>(settings)) {
    if (setting.kind === 'boolean')
      command.option(`--${setting.flag}`, setting.help).option(`--no-${setting.flag}`, `do not ${setting.help}`)
    else command.option(`--${setting.flag} <value>`, `${setting.help} (${setting.variable}, default ${setting.default ?? 'none'})`)
  }
  return command
}

/** The settings of a command's flags and the environment. Throws CliError. */
export const configured = (options: FlagValues): Configured => {
  const flags: Record<string, string> = {}
  for (const { flag } of Object.values<Setting>(settings)) {
    const value = options[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    if (value !== undefined) flags[flag] = String(value)
  }
  const result = configure(process.env, flags)
  if (result.problems.length > 0) throw new CliError(result.problems.join('\n'))
  return result
}

/** Ends a process without losing a request, and keeps it going whatever nobody waited for. */
export const endOnSignal = (server: Pick<RunningServer, 'log' | 'stop'>): void => {
  // A promise that nobody waits for is a bug, and no reason to stop answering.
  process.on('unhandledRejection', (reason) => server.log('error', 'unhandled-rejection', failureFields(reason)))
  const end = (): void => {
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        server.log('error', 'stop-failed', failureFields(error))
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
}
