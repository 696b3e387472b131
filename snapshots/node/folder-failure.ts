/** What the operating system says about files, as errors of an object store. */
import { StoreError, type StoreErrorCode } from '../object-store.ts'
import { reasonOf, type StoreCall, storeFailure } from '../store-failure.ts'
import { errorCode } from './error-code.ts'

/** No file of that name, or one where a folder of it should be. */
export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errorCode(error))

export const fileFailure = (error: unknown, call: StoreCall): StoreError => {
  if (error instanceof StoreError) return error
  const code = errorCode(error)
  const [kind, why] = meanings[code] ?? ['unavailable', reasonOf(error)]
  return storeFailure(kind, call, why, error)
}

const meanings: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOENT: ['missing', 'there is no such folder'],
  ENOTDIR: ['denied', 'a part of its path is a file'],
  EEXIST: ['denied', 'a part of its path is a file'],
  EISDIR: ['denied', 'other objects are below this key, and a folder cannot be a file'],
  ENAMETOOLONG: ['denied', 'a part of the key is too long for this file system'],
  EACCES: ['denied', 'access denied'],
  EPERM: ['denied', 'the operation is not permitted'],
  EROFS: ['read-only', 'the file system is mounted for reading'],
  ENOSPC: ['unavailable', 'the disk is full; free some space'],
  EDQUOT: ['unavailable', 'the quota is used up; free some space'],
  EIO: ['unavailable', 'the disk reports an input or output error'],
}
