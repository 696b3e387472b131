/** `serve` and `config`: the settings as flags, the running process, and what it prints. */
import type { Command } from 'commander'
import { type Configured, configure, describeConfiguration } from '../../src/ops/configuration.ts'
import { type Configuration, type Setting, settings } from '../../src/ops/settings.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { exampleKey, exampleQuestions } from '../example.ts'
import { failureFields } from '../failure-fields.ts'
import type { RunningServer } from '../node.ts'
import { CliError } from './cli-error.ts'
import { print } from './output.ts'
import { loadServedPolicy, logRefusedPolicy, watchServedPolicy } from './served-policy.ts'

export const addServeCommands = (program: Command): void => {
  withSettings(program.command('serve').description('run the server: the log, the replicas and the HTTP API in one process'))
    .argument('[policy...]', 'policy files for the default environment of a development server')
    .option('--watch, --watch-for-changes [file...]', 'policy files to load, and to load again when they change')
    .action(serve)
  withSettings(program.command('config').description('print the effective configuration and where it comes from')).action(
    (options: FlagValues) => {
      for (const line of describeConfiguration(configured(options))) print(line)
    },
  )
}

type FlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

const withSettings = (command: Command): Command => {
  for (const setting of Object.values<Setting>(settings)) {
    if (setting.kind === 'boolean')
      command.option(`--${setting.flag}`, setting.help).option(`--no-${setting.flag}`, `do not ${setting.help}`)
    else command.option(`--${setting.flag} <value>`, `${setting.help} (${setting.variable}, default ${setting.default ?? 'none'})`)
  }
  return command
}

const configured = (options: FlagValues): Configured => {
  const flags: Record<string, string> = {}
  for (const { flag } of Object.values<Setting>(settings)) {
    const value = options[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    if (value !== undefined) flags[flag] = String(value)
  }
  const result = configure(process.env, flags)
  if (result.problems.length > 0) throw new CliError(result.problems.join('\n'))
  return result
}

const serve = async (paths: readonly string[], options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  const { watchForChanges: watched } = options
  const policyPaths = [...paths, ...(typeof watched === 'object' ? watched : [])]
  const development = configuration.mode === 'development'
  if (policyPaths.length > 0 && !development) throw new CliError('policy files can be loaded by a development server only')
  const server = await start(configuration)
  endOnSignal(server)
  await openPolicy(server, policyPaths, watched !== undefined)
  print(banner(server, configuration.directory, development))
}

const start = async (configuration: Configuration): Promise<RunningServer> => {
  // Only this command needs the server's modules, which take longer to load than the others to run.
  const { startServer, StartError } = await import('../node.ts')
  return startServer(configuration).catch((error: unknown) => {
    throw error instanceof StartError ? new CliError(error.message, { cause: error }) : error
  })
}

const openPolicy = async (server: RunningServer, paths: readonly string[], watched: boolean): Promise<void> => {
  if (paths.length === 0) return
  try {
    await loadServedPolicy(server.url, paths)
  } catch (error) {
    // Whoever watches the files is about to mend them.
    if (!watched || !(error instanceof CliError)) {
      await server.stop()
      throw error
    }
    logRefusedPolicy(server.log, error)
  }
  if (watched) watchServedPolicy(server, paths)
}

const endOnSignal = (server: RunningServer): void => {
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

const banner = ({ url, hasExample }: RunningServer, directory: string, development: boolean): string => {
  const lines = [`arctos serves ${url}/api, data in ${directory}`]
  if (development) lines.push(`test key of the default environment: ${developmentKey}`)
  if (hasExample)
    lines.push(
      '',
      'try it, with the example environment:',
      ...exampleQuestions.map(({ path, body, answer }) => curlLine(url, path, body, answer)),
    )
  return lines.join('\n')
}

const curlLine = (url: string, path: string, body: Readonly<Record<string, string>>, answer: string): string =>
  `curl -s ${url}${path} -H 'Authorization: Bearer ${exampleKey}' -d '${JSON.stringify(body)}'  # ${answer}`
