/** Why nothing was published: what was tried, what came in the way, what to do, and whether that happens by itself. The manifest that was there stays valid. */

/** `unverified`: what was read back is not what was written; `superseded`: another publisher has gone further; `foreign`: the objects there belong to another log;
 * `format`: a newer version wrote the manifest; `mismatch`: the replica is not what its records make it; `denied`: the store refuses. */
export type PublishErrorCode = 'unavailable' | 'denied' | 'unverified' | 'superseded' | 'foreign' | 'format' | 'mismatch' | 'memory'

export interface PublishFailure {
  readonly code: PublishErrorCode
  /** Verb and object: `write manifest`. */
  readonly operation: string
  readonly key: string
  readonly revision: number | null
  readonly reason: string
  readonly cause?: unknown
}

export class PublishError extends Error {
  override readonly name = 'PublishError'
  readonly code: PublishErrorCode
  readonly operation: string
  readonly key: string
  readonly revision: number | null
  readonly reason: string
  readonly hint: string
  /** Whether the next step may succeed without a person. */
  readonly automatic: boolean

  constructor({ code, operation, key, revision, reason, cause }: PublishFailure) {
    const { hint, automatic } = remedies[code]
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

interface Remedy {
  readonly hint: string
  readonly automatic: boolean
}

const remedies: Readonly<Record<PublishErrorCode, Remedy>> = {
  unavailable: { hint: 'it is tried again; look at the object store when it lasts', automatic: true },
  denied: { hint: 'give this process access to the object store, and the store its space', automatic: false },
  unverified: { hint: 'it is written again; look at the object store when it happens twice', automatic: true },
  superseded: { hint: 'this process goes on when the lease is its own', automatic: true },
  foreign: { hint: 'publish to a place of its own, or move those objects away', automatic: false },
  format: { hint: 'run the version that wrote it or a newer one', automatic: false },
  mismatch: { hint: 'keep the data directory for a look, and start the replica anew from the log or another cell', automatic: false },
  memory: { hint: 'give this process more memory', automatic: false },
}
