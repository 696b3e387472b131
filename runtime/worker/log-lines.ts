/** Structured log lines of a Worker: one JSON object each, by the one console call that its logs are made of. */
import type { LogLevel, WriteLogLine } from '../../src/ops/log-line.ts'

const order: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 }

export const consoleLogLines = (least: LogLevel): WriteLogLine => {
  return (level, event, fields = {}) => {
    if (order[level] < order[least]) return
    // oxlint-disable-next-line eslint/no-console -- a Worker has no other way out for its lines
    console.log(JSON.stringify({ level: order[level], time: Date.now(), service: 'arctos', ...fields, msg: event }))
  }
}
