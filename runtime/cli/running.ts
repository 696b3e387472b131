/** How a process of the command line starts, and how it ends. */
import { failureFields } from '../failure-fields.ts'
import { StartError } from '../node/start.ts'
import type { RunningServer } from '../node.ts'
import { CliError } from './cli-error.ts'

type Running = Pick<RunningServer, 'log' | 'stop'>

/** Runs until a signal. Rejects with CliError when it cannot start. */
export const startRunning = async <T extends Running>(start: () => Promise<T>): Promise<T> => {
  // Nothing is served yet, and what was promised before is on disk. In a container the first process has no default for signals.
  const end = (): never => process.exit(0)
  for (const signal of SIGNALS) process.once(signal, end)
  try {
    const running = await start()
    endOnSignal(running)
    return running
  } catch (error) {
    throw error instanceof StartError ? new CliError(error.message, { cause: error }) : error
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, end)
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Ends a process without losing a request, and keeps it going whatever nobody waited for. */
const endOnSignal = (server: Running): void => {
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
  for (const signal of SIGNALS) process.once(signal, end)
}
