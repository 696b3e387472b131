/** What a snapshot is made of. */

import type { ReplicaImage } from '../snapshots/publication.ts'
import { known } from '../src/base/assert.ts'
import type { Store } from '../src/store/facts.ts'
import { schemaVersion } from '../src/store/schema.ts'

/** `through`: nothing of the environment up to there is missing in the store. */
export const replicaImage = (store: Store, through: number): ReplicaImage => ({
  bytes: store.database.serialize(),
  revision: store.revision(),
  through,
  logId: known(store.logId(), 'a replica that is published has a log'),
  stateHash: store.stateHash(),
  policyHash: store.policyHash(),
  schemaVersion,
})
