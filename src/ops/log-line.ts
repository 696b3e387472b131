/** Structured log lines: an event name and fields, never a secret, an id of a subject, or a fact. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, string | number | boolean | null>>
export type WriteLogLine = (level: LogLevel, event: string, fields?: LogFields) => void
