/** The policy files that a development server was started with: loaded once it serves, and again when they change. */
import { ArctosClient } from '../../src/client/client.ts'
import { ClientError } from '../../src/client/transport.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { developmentKey } from '../../src/wire/api-key.ts'
import type { RunningServer } from '../node.ts'
import { CliError } from './cli-error.ts'
import { print } from './output.ts'
import { readPolicyFiles, showMessage } from './policy-files.ts'
import { policyRefusal } from './policy-refusal.ts'
import { watchFiles } from './watch-files.ts'

/** Loads the files into the default environment; rejects with CliError when they are refused. */
export const loadServedPolicy = async (url: string, paths: readonly string[]): Promise<void> => {
  const { files, source, filename } = await readPolicyFiles(paths)
  try {
    const { message } = await new ArctosClient({ url, key: developmentKey }).savePolicy(source, filename)
    print(`${paths.join(', ')}: ${showMessage(files, message)}`)
  } catch (error) {
    throw policyRefusal(files, error)
  }
}

/** Loads the files again whenever one of them changes; a refused policy leaves the active one. */
export const watchServedPolicy = ({ url, log }: Pick<RunningServer, 'url' | 'log'>, paths: readonly string[]): void => {
  watchFiles(paths, () =>
    loadServedPolicy(url, paths).catch((error: unknown) => {
      if (!(error instanceof CliError || error instanceof ClientError)) throw error
      logRefusedPolicy(log, error)
    }),
  )
}

/** The message quotes the policy: whoever wrote it is the one who reads the lines of a development server. */
export const logRefusedPolicy = (log: WriteLogLine, { message }: CliError | ClientError): void =>
  log('error', 'policy-refused', { message })
