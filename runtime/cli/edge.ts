/** `edge`: a server that an object store or a cell feeds, and that sends writes to the cell. */
import type { Command } from 'commander'
import type { RunningEdge } from '../node/edge.ts'
import { configured, type FlagValues, withSettings } from './flags.ts'
import { print } from './output.ts'

export const addEdgeCommand = (program: Command): void => {
  withSettings(
    program
      .command('edge')
      .description('run an edge: it answers from what the object store or the origin publishes, and sends writes to the origin'),
  ).action(edge)
}

const edge = async (options: FlagValues): Promise<void> => {
  const { configuration } = configured(options)
  const { startEdge } = await import('../node/edge.ts')
  await run(
    () => startEdge(configuration),
    configuration.origin === null ? 'without an origin: read-only' : `origin ${configuration.origin}`,
  )
}

/** Runs until a signal, and says where. Rejects with CliError when the process cannot start. */
export const run = async (start: () => Promise<RunningEdge>, what: string): Promise<void> => {
  const { startRunning } = await import('./running.ts')
  const running = await startRunning(start)
  print(`arctos serves ${running.url}/api, ${what}`)
}
