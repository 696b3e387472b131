/** Writes the facts of a file in order, some at a time, so that it is known at any moment up to which line all are stored. */
import { at } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import { ClientError } from '../../src/client/transport.ts'
import { type FactLine, LineError } from './import-lines.ts'

export interface ImportOptions {
  readonly lines: AsyncIterable<FactLine>
  /** Stores facts, all or none. Rejects with ClientError. */
  readonly insert: (facts: readonly Fact[]) => Promise<unknown>
  /** After each write. */
  readonly committed: (progress: Progress) => void
  readonly pause: (ms: number) => Promise<void>
  /** Told of each new try. */
  readonly waiting?: (reason: string, ms: number) => void
}

export interface Progress {
  /** Everything up to here is stored. */
  readonly line: number
  readonly facts: number
  /** Of the file. */
  readonly bytes: number
}

/** What ended an import early; `line` is the one that was refused, null when the server takes nothing. */
export class ImportError extends Error {
  override readonly name = 'ImportError'
  readonly line: number | null
  readonly progress: Progress
  constructor(message: string, line: number | null, progress: Progress, options?: ErrorOptions) {
    super(message, options)
    this.line = line
    this.progress = progress
  }
}

const FACTS_PER_WRITE = 1000
/** Of one write; with the pauses between them about two minutes. */
const TRIES = 8
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000

/** Resolves with what was stored. Rejects with ImportError: everything up to the line before the refused one is stored then. */
export const importFacts = async (options: ImportOptions): Promise<Progress> => {
  const done: { progress: Progress } = { progress: { line: 0, facts: 0, bytes: 0 } }
  let batch: FactLine[] = []
  try {
    for await (const line of options.lines) {
      batch.push(line)
      if (batch.length < FACTS_PER_WRITE) continue
      await write(batch, options, done)
      batch = []
    }
    await write(batch, options, done)
  } catch (error) {
    if (!(error instanceof LineError)) throw error
    await write(batch, options, done)
    throw new ImportError(error.message, error.line, done.progress, { cause: error })
  }
  return done.progress
}

/** A refused write is halved until the line that is to blame stands alone: what stands before it is stored by then. */
const write = async (batch: readonly FactLine[], options: ImportOptions, done: { progress: Progress }): Promise<void> => {
  if (batch.length === 0) return
  try {
    await insertPatiently(batch, options, done.progress)
  } catch (error) {
    if (!(error instanceof ClientError) || !isRefusal(error)) throw error
    if (batch.length === 1) throw new ImportError(error.message, at(batch, 0).line, done.progress, { cause: error })
    const middle = batch.length >> 1
    await write(batch.slice(0, middle), options, done)
    await write(batch.slice(middle), options, done)
    return
  }
  const { line, bytes } = at(batch, batch.length - 1)
  done.progress = { line, bytes, facts: done.progress.facts + batch.length }
  options.committed(done.progress)
}

/** Tries again what may pass: facts are a set, so a write that did happen changes nothing the second time. */
const insertPatiently = async (
  batch: readonly FactLine[],
  { insert, pause, waiting }: ImportOptions,
  progress: Progress,
): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      await insert(batch.map(({ fact }) => fact))
      return
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      if (isRefusal(error)) throw error
      const passes = error.status === 0 || error.status === 429 || error.status >= 500
      if (!passes || tries === TRIES) throw new ImportError(error.message, null, progress, { cause: error })
      const pauseMs = Math.min(
        LONGEST_PAUSE_MS,
        error.retryAfterSeconds === null ? FIRST_PAUSE_MS * 2 ** tries : error.retryAfterSeconds * 1000,
      )
      waiting?.(error.message, pauseMs)
      await pause(pauseMs)
    }
  }
}

/** The server will not take these facts, or not so many at once. */
const isRefusal = ({ status }: ClientError): boolean => status === 400 || status === 413
