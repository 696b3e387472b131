/** Structured log lines on standard error. */
import pino from 'pino'
import type { LogLevel, WriteLogLine } from '../../src/ops/log-line.ts'

export const pinoLogLines = (level: LogLevel): WriteLogLine => {
  // Synchronous: the last line before an exit is the one that matters.
  const logger = pino({ level, base: { service: 'arctos', pid: process.pid } }, pino.destination({ dest: 2, sync: true }))
  return (lineLevel, event, fields = {}) => logger[lineLevel](fields, event)
}
