/** The object store that the settings name, looked at before anything rests on it. */
import { unreachable } from '../../src/base/assert.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import type { StorePlace } from '../../src/ops/places.ts'
import { httpObjectStore } from '../http-store.ts'
import { type ObjectStore, StoreError } from '../object-store.ts'
import { probeConditions } from '../probe-conditions.ts'
import { storeFailure } from '../store-failure.ts'
import { folderObjectStore } from './folder-store.ts'
import { s3ObjectStore } from './s3-store.ts'

export interface OpenStoreOptions {
  /** For web servers. */
  readonly secret?: string | null
  /** `read`: with credentials that may write nothing. */
  readonly access?: 'read' | 'write'
  readonly log: WriteLogLine
}

/** Rejects with StoreError `missing` or `denied` where a person has to do something. A store that cannot be reached now is opened all the same, with a log
 * line: cells and fallbacks start without it. */
export const openObjectStore = async (place: StorePlace, options: OpenStoreOptions): Promise<ObjectStore> => {
  const store = objectStoreAt(place, options.secret)
  // A web server has nothing that could be looked at before something was published.
  if (place.kind === 'http') return store
  try {
    return await checked(store, place, options)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'unavailable') throw error
    options.log('warn', 'store-unreachable', { store: store.name, error: error.message })
    return store
  }
}

/** The store at a place, without a look at it. */
export const objectStoreAt = (place: StorePlace, secret: string | null = null, conditions = true): ObjectStore => {
  switch (place.kind) {
    case 'folder':
      return folderObjectStore(place.path, { create: false })
    case 's3':
      return s3ObjectStore(place, { conditions })
    case 'http':
      return httpObjectStore({ url: place.url, secret })
    case 'r2':
      throw storeFailure(
        'missing',
        { store: 'R2', operation: 'check', key: place.prefix },
        'only a Worker has a bucket that is bound to it',
      )
    default:
      return unreachable(place)
  }
}

const checked = async (store: ObjectStore, place: StorePlace, { access = 'write', log }: OpenStoreOptions): Promise<ObjectStore> => {
  // Listing needs a right of its own, without which a server answers `denied` for what is not there.
  await store.list('lease.json')
  if (access === 'read') return store
  const conditions = await probeConditions(store)
  if (conditions === 'kept') return store
  log('warn', 'store-without-conditional-writes', {
    store: store.name,
    found: conditions,
    consequence: 'two publishers may overwrite each other; readers refuse what goes backwards, so nothing is lost but work',
  })
  return conditions === 'refused' ? objectStoreAt(place, null, false) : store
}
