/** What the failure of an object store means for whoever asked the replicator for something. */
import { LoadError } from '../snapshots/load-error.ts'
import { MirrorError } from '../snapshots/mirror-error.ts'
import { StoreError } from '../snapshots/object-store.ts'
import { PublishError } from '../snapshots/publish-error.ts'
import { LogError } from '../src/log/log.ts'

/** LogError `unavailable` with the reason; anything but a failure of objects stays what it is. */
export const objectFailure = (error: unknown): unknown => {
  const isOfObjects =
    error instanceof LoadError || error instanceof MirrorError || error instanceof StoreError || error instanceof PublishError
  return isOfObjects ? new LogError('unavailable', error.message, { cause: error }) : error
}
