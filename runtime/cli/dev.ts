/** `dev`: a local server with the policy that someone is writing: checked, tested and loaded whenever it changes. */
import type { Command } from 'commander'
import { ArctosClient } from '../../src/client/client.ts'
import { ClientError } from '../../src/client/transport.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import { CliError } from './cli-error.ts'
import { configured, type FlagValues, withSettings } from './flags.ts'
import { countOf, print, printError } from './output.ts'
import { printTests } from './policy-commands.ts'
import { readPolicyFiles, showDiagnostics } from './policy-files.ts'
import { startServing } from './serve.ts'
import { watchFiles } from './watch-files.ts'

export const addDevCommand = (program: Command): void => {
  withSettings(
    program
      .command('dev')
      .description('check, test and load policy files into a local development server: the one that runs already, or one of its own'),
  )
    .argument('<policy...>')
    .option('--watch', 'do it again whenever one of them changes')
    .action(dev)
}

const dev = async (paths: readonly string[], options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  if (configuration.mode !== 'development') throw new CliError('`dev` is for development mode: use `serve` and `policy` in production')
  const watched = options['watch'] === true
  // Before a server is started: a mistyped name is no policy to wait for.
  await readPolicyFiles(paths)
  const running = await runningServer(configuration)
  const client = new ArctosClient({ url: running ?? (await ownServer(configuration)), key: developmentKey })
  const loaded = await load(client, paths)
  if (watched) watchFiles(paths, async () => void (await load(client, paths)))
  if (watched) print(`watching ${paths.join(', ')}`)
  // Nothing keeps the process: the server is another one, and nothing is watched.
  else if (!loaded && running !== null) process.exitCode = 1
}

/** One that takes the well-known key where this one would listen; null when nothing listens there. */
const runningServer = async ({ host, port }: Configuration): Promise<string | null> => {
  if (port === 0) return null
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  try {
    await new ArctosClient({ url, key: developmentKey, timeoutMs: PROBE_MS }).policyHistory()
    print(`using the server at ${url}`)
    return url
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    if (error.status === 0) return null
    throw new CliError(`what listens at ${url} is no development server of Arctos: ${error.message}; choose another port with --port`, {
      cause: error,
    })
  }
}

const PROBE_MS = 5000

const ownServer = async (configuration: Configuration): Promise<string> => {
  const server = await startServing(configuration)
  print(`arctos serves ${server.url}/api, data in ${configuration.directory}`)
  return server.url
}

/** False when the files are not loaded: the policy before them stays active, and the reasons are printed. */
const load = async (client: ArctosClient, paths: readonly string[]): Promise<boolean> => {
  try {
    const { files, source, filename } = await readPolicyFiles(paths)
    const { value, diagnostics } = compilePolicy(files)
    if (diagnostics.length > 0) printError(showDiagnostics(files, diagnostics))
    if (value === null) return refused(countOf(diagnostics.filter(({ severity }) => severity === 'error').length, 'error'))
    const result = await client.testPolicy(source, filename, { showSuggestions: true })
    printTests(files, result)
    if (!result.success) return refused(result.tests.length === 0 ? 'the server refuses the policy' : 'policy tests failed')
    const { changed } = await client.savePolicy(source, filename)
    print(`${changed ? 'loaded' : 'unchanged'}: ${paths.join(', ')}, ${countOf(result.tests.length, 'test')} passed`)
    return true
  } catch (error) {
    if (!(error instanceof CliError || error instanceof ClientError)) throw error
    return refused(error.message)
  }
}

const refused = (why: string): boolean => {
  printError(`not loaded: ${why}`)
  return false
}
