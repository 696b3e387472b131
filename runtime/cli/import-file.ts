/** Imports one file: shows how far it has come, and says at any end how to go on. */

import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../src/base/message.ts'
import { CliError } from './cli-error.ts'
import { connect } from './connection.ts'
import { wholeNumber } from './env-commands.ts'
import { ImportError, importFacts, type Progress } from './import-facts.ts'
import { factLines } from './import-lines.ts'
import { countOf, print, printError } from './output.ts'
import { openProgress } from './progress.ts'

/** Rejects with CliError, which says how to go on. */
export const importFile = async (path: string, text: string): Promise<void> => {
  const fromLine = wholeNumber(text, '--from-line')
  const client = connect()
  const file = path === '-' ? null : await openFile(path)
  const progress = openProgress(file === null ? null : (await file.stat()).size)
  const last = { line: fromLine - 1 }
  const interrupted = (): never => {
    progress.end()
    printError(`interrupted; ${resumeText(last.line, fromLine)}`)
    process.exit(1)
  }
  process.once('SIGINT', interrupted)
  try {
    const done = await importFacts({
      lines: factLines(file === null ? process.stdin : file.createReadStream(), fromLine),
      insert: (facts) => client.batch([{ inserts: facts }]),
      committed: (now) => {
        last.line = now.line
        progress.show(now)
      },
      pause: (ms) => delay(ms),
      waiting: (reason, ms) => progress.note(`${reason}; next try in ${ms} ms`),
    })
    progress.end()
    print(summary(done, fromLine))
  } catch (error) {
    progress.end()
    throw error instanceof ImportError ? refusal(error, fromLine) : error
  } finally {
    process.removeListener('SIGINT', interrupted)
    await file?.close()
  }
}

const openFile = async (path: string): Promise<FileHandle> => {
  try {
    const file = await open(path)
    if ((await file.stat()).isDirectory()) throw new Error('it is a folder')
    return file
  } catch (cause) {
    throw new CliError(`\`${path}\` cannot be read: ${messageOf(cause)}`, { cause })
  }
}

const summary = ({ facts, line }: Progress, fromLine: number): string =>
  facts === 0 ? `nothing to import from line ${fromLine} on` : `imported ${countOf(facts, 'fact')}, last committed line ${line}`

const refusal = ({ message, line, progress }: ImportError, fromLine: number): CliError => {
  const where = line === null ? '' : `line ${line}: `
  return new CliError(`${where}${message}; ${resumeText(Math.max(progress.line, fromLine - 1), fromLine)}`)
}

/** What is stored, and how to go on. */
const resumeText = (committed: number, fromLine: number): string => {
  const stored = committed < fromLine ? 'nothing was committed' : `last committed line ${committed}`
  return `${stored}: go on with --from-line ${committed + 1}`
}
