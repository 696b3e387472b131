/** Errors that every log reports alike. */
import { type LogBounds, LogError, type LogErrorCode } from './log.ts'

/** Whether an error tells that writes do not work: a record that is too large or a wrong name says nothing about the log. */
export const concernsLog = (error: unknown): error is LogError => error instanceof LogError && !harmless.has(error.code)

const harmless: ReadonlySet<LogErrorCode> = new Set(['too-large', 'unknown-environment', 'out-of-range'])

export const tooLarge = (sizeBytes: number, limitBytes: number): LogError =>
  new LogError('too-large', `the record has ${sizeBytes} bytes, the limit is ${limitBytes}`)

/** Positions below the first record are gone; positions past the last one come from another log. */
export const outOfRange = (env: string, after: number, { first, last }: LogBounds): LogError =>
  new LogError('out-of-range', `the log of environment \`${env}\` goes from revision ${first} to ${last}, asked was what follows ${after}`)
