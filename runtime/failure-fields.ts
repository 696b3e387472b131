/** What a log line tells of a failure: its class, our own message and where it happened. Never a value: messages and stacks quote what callers sent. */
import { Bug } from '../src/base/assert.ts'
import { LogError } from '../src/log/log.ts'
import type { LogFields } from '../src/ops/log-line.ts'
import { SqlError } from '../src/store/database.ts'

/** The fields for anything that was thrown. */
export const failureFields = (error: unknown): LogFields => {
  if (!(error instanceof Error)) return { name: typeof error, message: null, stack: null }
  return { name: error.name, message: isOurs(error) ? withoutValues(error.message) : null, stack: framesOf(error) }
}

/** Messages of the language's own errors quote whatever they were about, in no form of ours. */
const isOurs = (error: Error): boolean => error instanceof Bug || error instanceof LogError || error instanceof SqlError

// Our messages hold values between back-ticks or as JSON; a value may hold the same signs, so all from the first to the last is left out.
const withoutValues = (message: string): string => message.replace(/[`"{[].*[`"}\]]/s, '…')

/** The frames of the stack alone: it begins with the message, which may look like frames itself. */
const framesOf = ({ stack = '', message }: Error): string | null => {
  const at = message === '' ? -1 : stack.indexOf(message)
  const frames = (at === -1 ? stack : stack.slice(at + message.length)).split('\n').filter((line) => /^ {4}at /.test(line))
  return frames.length === 0 ? null : frames.map((line) => line.trim()).join('\n')
}
