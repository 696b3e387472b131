/** `serve` and `config`: the settings as flags, the running process, and what it prints. */
import type { Command } from 'commander'
import { describeConfiguration } from '../../src/ops/configuration.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { exampleKey, exampleQuestions } from '../example.ts'
import { keepCompiled, writeCompiled } from '../node/compiled-modules.ts'
import type { RunningServer } from '../node.ts'
import { CliError } from './cli-error.ts'
import { configured, type FlagValues, withSettings } from './flags.ts'
import { print } from './output.ts'
import { loadServedPolicy, logRefusedPolicy, watchServedPolicy } from './served-policy.ts'

export const addServeCommands = (program: Command): void => {
  withSettings(
    program
      .command('serve')
      .description(
        'run a server: the replicas and the HTTP API, with the log in the same process or, by ARCTOS_REPLICATOR, as a runtime of a cell',
      ),
  )
    .argument('[policy...]', 'policy files for the default environment of a development server')
    .option('--watch, --watch-for-changes [file...]', 'policy files to load, and to load again when they change')
    .action(serve)
  withSettings(program.command('config').description('print the effective configuration and where it comes from')).action(
    (options: FlagValues) => {
      for (const line of describeConfiguration(configured(options))) print(line)
    },
  )
}

const serve = async (paths: readonly string[], options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  const { watchForChanges: watched } = options
  const policyPaths = [...paths, ...(typeof watched === 'object' ? watched : [])]
  const development = configuration.mode === 'development'
  if (policyPaths.length > 0 && !development) throw new CliError('policy files can be loaded by a development server only')
  const server = await startServing(configuration)
  writeCompiled()
  await openPolicy(server, policyPaths, watched !== undefined)
  print(banner(server, configuration.directory, development))
}

/** Runs until a signal. Rejects with CliError when it cannot start. */
export const startServing = async (configuration: Configuration): Promise<RunningServer> => {
  keepCompiled(configuration.directory)
  // Only this command needs the server's modules, which take longer to load than the others to run.
  const [{ startServer }, { startRunning }] = await Promise.all([import('../node.ts'), import('./running.ts')])
  return startRunning(() => startServer(configuration))
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
