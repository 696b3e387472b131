/** Keys of the objects of an environment (docs/formats/snapshot.md). */
import { assert } from '../src/base/assert.ts'
import { isEnvironmentId } from '../src/wire/api-key.ts'

/** `sha256` is that of the stored bytes. */
export const snapshotKey = (env: string, revision: number, sha256: string): string =>
  `${snapshotPrefix(env)}${revision}-${sha256}.sqlite.gz`

export const deltaKey = (env: string, first: number, last: number, sha256: string): string =>
  `${deltaPrefix(env)}${first}-${last}-${sha256}.log.gz`

/** What restore records name; no manifest does. */
export const restoreKey = (env: string, revision: number, sha256: string): string => `${restorePrefix(env)}${revision}-${sha256}.sqlite.gz`

export const snapshotPrefix = (env: string): string => `${environmentFolder(env)}/snapshots/`
export const deltaPrefix = (env: string): string => `${environmentFolder(env)}/deltas/`
export const restorePrefix = (env: string): string => `${environmentFolder(env)}/restores/`

/** In whose folder it is: what it holds is of that environment, or it is not what it is taken for. */
export const environmentOfKey = (key: string): string => key.slice(0, key.indexOf('/'))

/** Without its slash. An id is safe as part of a path, or it would name objects of another environment. */
export const environmentFolder = (env: string): string => {
  assert(isEnvironmentId(env), `\`${env}\` is an environment id`)
  return env
}
