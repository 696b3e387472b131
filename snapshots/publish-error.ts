/** Why nothing was published: what was tried, what came in the way, what to do, and whether that happens by itself. The manifest that was there stays valid. */
import { ObjectError, type ObjectFailure, type Remedy } from './object-error.ts'

/** `unverified`: what was read back is not what was written; `superseded`: another publisher has gone further; `foreign`: the objects there belong to another log;
 * `format`: a newer version wrote the manifest; `mismatch`: the replica is not what its records make it; `denied`: the store refuses. */
export type PublishErrorCode = 'unavailable' | 'denied' | 'unverified' | 'superseded' | 'foreign' | 'format' | 'mismatch' | 'memory'

export class PublishError extends ObjectError<PublishErrorCode> {
  override readonly name = 'PublishError'

  constructor(failure: ObjectFailure<PublishErrorCode>) {
    super(failure, remedies[failure.code])
  }
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
