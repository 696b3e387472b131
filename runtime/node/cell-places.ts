/** The places that the settings of a cell name, and who may reach its replicator. */
import { join } from 'node:path'
import { isLocal } from '../../replicator/http-listen.ts'
import { known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import {
  type LogPlace,
  type Parsed,
  parseLogPlace,
  parseReplicatorPlace,
  parseStorePlace,
  type ReplicatorPlace,
  type StorePlace,
} from '../../src/ops/places.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { StartError } from './start.ts'

export const logPlace = ({ log }: Pick<Configuration, 'log'>): LogPlace => placeOf(parseLogPlace(log))

/** Null: only the folder in the data directory. */
export const storePlace = ({ store }: Pick<Configuration, 'store'>): StorePlace | null =>
  store === null ? null : placeOf(parseStorePlace(store))

/** Null: none is named. */
export const replicatorPlace = ({ replicator }: Pick<Configuration, 'replicator'>): ReplicatorPlace | null =>
  replicator === null ? null : placeOf(parseReplicatorPlace(replicator))

/** What the cell's replicator publishes for its own. */
export const objectsFolder = ({ directory }: Pick<Configuration, 'directory'>): string => join(directory, 'objects')

/** Where a replicator listens whose place is not named. */
export const defaultReplicatorPlace = ({ directory }: Pick<Configuration, 'directory'>): ReplicatorPlace => ({
  kind: 'unix',
  path: join(directory, 'replicator.sock'),
})

export const printPlace = (place: ReplicatorPlace): string => (place.kind === 'unix' ? `unix:${place.path}` : place.url)

/** Throws StartError where others than the processes of this cell could reach the replicator. */
export const requireSecret = ({ mode, secret }: Pick<Configuration, 'mode' | 'secret'>, place: ReplicatorPlace): void => {
  if (secret !== null) return
  if (mode === 'production') throw new StartError('production mode needs a secret between replicator and runtimes: set ARCTOS_SECRET')
  if (isLocal(place)) return
  throw new StartError(`a replicator at \`${printPlace(place)}\`, which other machines reach, needs a secret: set ARCTOS_SECRET`)
}

/** Encoded bytes of a record. */
export const maxRecordBytes = (configuration: Pick<Configuration, 'mode' | 'log'>): number =>
  configuration.mode === 'production' || logPlace(configuration).kind === 'kafka' ? limits.recordBytes : limits.developmentRecordBytes

/** The settings were checked when they were read. */
const placeOf = <P>(parsed: Parsed<P>): P => known('place' in parsed ? parsed.place : null, 'a checked setting')
