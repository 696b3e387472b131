/** The settings as flags of the commands that run a process. */
import type { Command } from 'commander'
import { type Configured, configure } from '../../src/ops/configuration.ts'
import { helpOf } from '../../src/ops/setting-help.ts'
import { type Setting, settings } from '../../src/ops/settings.ts'
import { CliError } from './cli-error.ts'

export type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Every setting as a flag of the command. */
export const withSettings = (command: Command): Command => {
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const help = helpOf(name)
    if (setting.kind === 'boolean') command.option(`--${setting.flag}`, help).option(`--no-${setting.flag}`, `do not ${help}`)
    else command.option(`--${setting.flag} <value>`, `${help} (${setting.variable}, default ${setting.default ?? 'none'})`)
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
