/** Why a replica cannot take records, or could not be replaced by another one. */
import type { RestoreRecord } from '../src/log/apply.ts'

/** The log says that the state is replaced: load the object that the record names and swap. Everything in front of the record is applied. */
export class RestoreNeeded extends Error {
  override readonly name = 'RestoreNeeded'
  readonly record: RestoreRecord
  constructor(record: RestoreRecord) {
    super(`revision ${record.revision} goes back to what \`${record.body.key}\` holds: it has to be loaded`)
    this.record = record
  }
}

/** `busy`: another swap is running. `behind`: the image is older than what it would replace, so a newer one may help. `overtaken`: more was written while it was
 * prepared than is kept, so trying again may help. `foreign`: the image is of another log or of none. `closed`: the replica has been closed. */
export type SwapErrorCode = 'busy' | 'behind' | 'overtaken' | 'foreign' | 'closed'

/** A swap that was refused or given up: the replica goes on as it was. */
export class SwapError extends Error {
  override readonly name = 'SwapError'
  readonly code: SwapErrorCode
  constructor(code: SwapErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
