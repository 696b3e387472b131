/** What every failure around an object of a store tells: what was tried, what came in the way, what to do, and whether that happens by itself. */

export interface ObjectFailure<Code extends string> {
  readonly code: Code
  /** Verb and object: `load snapshot`. */
  readonly operation: string
  readonly key: string
  /** Of the record up to which the object leads; null where it is not known. */
  readonly revision: number | null
  readonly reason: string
  readonly cause?: unknown
}

export interface Remedy {
  readonly hint: string
  /** Whether it passes without a person. */
  readonly automatic: boolean
}

export abstract class ObjectError<Code extends string> extends Error implements ObjectFailure<Code>, Remedy {
  readonly code: Code
  readonly operation: string
  readonly key: string
  readonly revision: number | null
  readonly reason: string
  readonly hint: string
  readonly automatic: boolean

  constructor({ code, operation, key, revision, reason, cause }: ObjectFailure<Code>, { hint, automatic }: Remedy) {
    const where = revision === null ? `\`${key}\`` : `\`${key}\` of revision ${revision}`
    super(
      `cannot ${operation} ${where}: ${reason}; ${hint}; recovery is ${automatic ? '' : 'not '}automatic`,
      cause === undefined ? undefined : { cause },
    )
    this.code = code
    this.operation = operation
    this.key = key
    this.revision = revision
    this.reason = reason
    this.hint = hint
    this.automatic = automatic
  }
}
