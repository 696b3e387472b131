/** What an error of kafkajs means, and the error of the log that is made of it. */
import { LogError } from '../src/log/log.ts'

/** A call that did not answer in time. */
export class Late extends Error {
  override readonly name = 'Late'
}

/** A call that failed before anything was sent. */
export class Unsent extends Error {
  override readonly name = 'Unsent'
}

/** Name of the protocol's error, such as `OFFSET_OUT_OF_RANGE`; null when the broker did not answer with one. */
export const protocolCode = (error: unknown): string | null => {
  for (const cause of causes(error)) {
    if ('type' in cause && typeof cause.type === 'string' && cause.name.startsWith('KafkaJS')) return cause.type
  }
  return null
}

/** Answers after which nothing was appended; after any other failure it may have been. */
const REFUSALS: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REQUIRED_ACKS',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'POLICY_VIOLATION',
])

export const mayBeWritten = (error: unknown): boolean =>
  !(error instanceof Unsent || error instanceof LogError || REFUSALS.has(protocolCode(error) ?? ''))

export const isTooLarge = (error: unknown): boolean => ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(protocolCode(error) ?? '')

/** Name or password, or a certificate: asking again in a moment changes nothing. */
export const isRefusedConnection = (error: unknown): boolean =>
  causes(error).some(
    (cause) => cause.name === 'KafkaJSSASLAuthenticationError' || ('code' in cause && CERTIFICATE.test(String(cause.code))),
  )

const CERTIFICATE = /CERT|TLS|SSL|UNABLE_TO_(?:GET_ISSUER|VERIFY)/

/** The reason, on one line: that of the innermost cause, which is the one that says what happened. */
export const reasonOf = (error: unknown): string => {
  const found = causes(error)
  const last = found.find((cause) => cause instanceof Late) ?? found.at(-1)
  return (last === undefined ? String(error) : last.message).replaceAll(/\s+/g, ' ').trim()
}

/** `operation` is what was tried, as in `append to partition 3`. */
export const unavailable = (operation: string, error: unknown): LogError =>
  new LogError('unavailable', `${operation} failed: ${reasonOf(error)}; it is tried again when it is asked again`, { cause: error })

function* chain(error: unknown): Generator<Error> {
  // Bounded: a chain of causes may be a ring.
  let next = error
  for (let depth = 0; depth < 8 && next instanceof Error; depth++) {
    yield next
    next = innerOf(next)
  }
}

// kafkajs puts reasons into its causes, beside them in a list, or beside them one per partition: the first stands for all.
const innerOf = (error: Error): unknown => {
  if (error.cause !== undefined) return error.cause
  if ('errors' in error) return firstOf(error.errors)
  const first = 'partitions' in error ? firstOf(error.partitions) : undefined
  return typeof first === 'object' && first !== null && 'error' in first ? first.error : undefined
}

const firstOf = (list: unknown): unknown => (Array.isArray(list) ? (list satisfies readonly unknown[])[0] : undefined)

const causes = (error: unknown): readonly Error[] => [...chain(error)]
