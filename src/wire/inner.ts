/** The inner interface over HTTP (docs/formats/inner.md): paths, headers, bodies, and the lines of a stream. */
import * as z from 'zod/mini'
import { type SentError, sentErrorShape } from './inner-errors.ts'

export const innerPaths = {
  status: '/v1/status',
  environments: '/v1/environments',
  stream: '/v1/stream',
  environment: (env: string): string => `/v1/environments/${encodeURIComponent(env)}`,
  records: (env: string, writeId: string): string => `${innerPaths.environment(env)}/records?write-id=${encodeURIComponent(writeId)}`,
  snapshot: (env: string): string => `${innerPaths.environment(env)}/snapshot`,
  restore: (env: string): string => `${innerPaths.environment(env)}/restore`,
  objects: '/objects',
} as const

/** Of the answer that is a database image. */
export const imageHeaders = {
  revision: 'arctos-revision',
  through: 'arctos-through',
  rawBytes: 'arctos-raw-bytes',
  stateHash: 'arctos-state-hash',
  schemaVersion: 'arctos-schema-version',
} as const

const integer = z.int()

const statusShape = z.object({
  state: z.enum(['running', 'failed', 'closed', 'unreachable']),
  logId: z.string(),
  problem: z.nullable(sentErrorShape),
  pending: integer,
})

/** The status of a replicator, its problem as it is sent. */
export type SentStatus = z.infer<typeof statusShape>

/** What the connection of a stream is upgraded to. */
export const streamProtocol = 'arctos-stream'

/** Of an append or a restore that is a request of its own: names the stream of the runtime, which is not waited for: it waits for itself. */
export const streamHeader = 'arctos-stream'

export const appendedShape = z.object({ revision: integer, applied: z.boolean() })
/** An answer without a body. */
export const nothingShape = z.null()
export const publishedShape = z.object({ revision: integer, coveredThrough: integer, key: z.string() })
export const createShape = z.object({ ephemeral: z.optional(z.boolean()), partition: z.optional(integer) })
export const restoreShape = z.object({ revision: integer })
export const environmentsShape = z.object({
  environments: z.array(z.object({ env: z.string(), ephemeral: z.boolean(), first: integer, last: integer })),
})

const saidShape = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('commands'),
    /** The runtime's own clock: the heartbeat that answers repeats it. Null: no heartbeat wanted. */
    clock: z.nullable(z.number()),
    /** Tails that begin: number, environment, after. The runtime numbers them. */
    open: z.array(z.tuple([integer, z.string(), integer])),
    /** Oldest pushes of a tail that are done with: number, count. */
    taken: z.array(z.tuple([integer, integer])),
    /** Tails that end. */
    end: z.array(integer),
  }),
  z.object({ kind: z.literal('append'), number: integer, env: z.string(), writeId: z.string().check(z.minLength(1)) }),
])

/** One line of what a runtime says on its stream. After `append` comes a line with the text of the record's body; the runtime numbers its appends. */
export type SaidLine = z.infer<typeof saidShape>
export type StreamCommands = Extract<SaidLine, { kind: 'commands' }>
export type StreamAppend = Extract<SaidLine, { kind: 'append' }>

const lineShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hello'), stream: z.string(), status: statusShape }),
  z.object({ kind: z.literal('records'), tail: integer, through: integer, revisions: z.array(integer), awaited: z.boolean() }),
  z.object({ kind: z.literal('failed'), tail: integer, error: sentErrorShape }),
  z.object({ kind: z.literal('appended'), number: integer, revision: integer, applied: z.boolean() }),
  z.object({ kind: z.literal('refused'), number: integer, error: sentErrorShape }),
  z.object({
    kind: z.literal('heartbeat'),
    clock: z.number(),
    status: statusShape,
    tails: z.array(z.tuple([integer, integer, z.nullable(z.number())])),
  }),
])

/** One line of what a replicator says on a stream. After `records` comes one line for each revision: the text of that record; `awaited`: another runtime may wait until this one has done
 * with them, or the tail itself. `heartbeat` lists each tail with the position up to which
 * nothing is missing, and how long ago that was seen to be the head of the log: null while the tail is behind it. */
export type StreamLine =
  | { readonly kind: 'hello'; readonly stream: string; readonly status: SentStatus }
  | {
      readonly kind: 'records'
      readonly tail: number
      readonly through: number
      readonly revisions: readonly number[]
      readonly awaited: boolean
    }
  | { readonly kind: 'failed'; readonly tail: number; readonly error: SentError }
  | { readonly kind: 'appended'; readonly number: number; readonly revision: number; readonly applied: boolean }
  | { readonly kind: 'refused'; readonly number: number; readonly error: SentError }
  | {
      readonly kind: 'heartbeat'
      readonly clock: number
      readonly status: SentStatus
      readonly tails: readonly (readonly [tail: number, through: number, ageMs: number | null])[]
    }

/** The text or the parsed value has another shape than the inner interface: another version, or no replicator at all. */
export class InnerShapeError extends Error {
  override readonly name = 'InnerShapeError'
}

export const printLine = (line: StreamLine | SaidLine): string => `${JSON.stringify(line)}\n`

/** Throws InnerShapeError. */
export const parseLine = (text: string): StreamLine => parseInner(lineShape, text)

/** Throws InnerShapeError. */
export const parseSaid = (text: string): SaidLine => parseInner(saidShape, text)

/** Throws InnerShapeError. */
export const parseInner = <T>(schema: z.ZodMiniType<T>, text: string): T => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new InnerShapeError('expected JSON', { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new InnerShapeError(issue === undefined ? 'unexpected shape' : `\`${issue.path.join('.')}\`: ${issue.message}`)
}
