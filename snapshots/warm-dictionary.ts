/** Takes the dictionary of an image into memory, in turns. */
import { limits } from '../src/base/limits.ts'
import { messageOf } from '../src/base/message.ts'
import type { Store } from '../src/store/facts.ts'
import type { SnapshotPlatform } from './platform.ts'

/** Ends with the store that is not `isServed` any more. Never rejects: what is not in memory is found in the database. */
export const warmDictionary = async (
  environment: string,
  store: Store,
  { isServed, log, pause }: Pick<SnapshotPlatform, 'log' | 'pause'> & { readonly isServed: () => boolean },
): Promise<void> => {
  try {
    while (isServed() && !store.warm(limits.warmValues)) await pause()
  } catch (error) {
    log('error', 'dictionary-not-warmed', { environment, reason: messageOf(error) })
  }
}
