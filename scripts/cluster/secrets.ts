/** The keys and the secret of a cluster, kept in its folder, so that it has the same ones when it is started again. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashKey } from '../../runtime/keys.ts'

export interface ClusterSecrets {
  readonly adminKey: string
  /** What replicators, runtimes and fallbacks share. */
  readonly secret: string
  /** Of the environment; made by the cluster when it runs for the first time. */
  readonly key: string | null
  readonly readOnlyKey: string | null
}

const file = (directory: string): string => join(directory, 'keys.json')

export const readSecrets = (directory: string): ClusterSecrets => {
  // The one cast: what this file wrote.
  if (existsSync(file(directory))) return JSON.parse(readFileSync(file(directory), 'utf8')) as ClusterSecrets
  const secrets = {
    adminKey: `a_${randomBytes(24).toString('hex')}`,
    secret: randomBytes(24).toString('hex'),
    key: null,
    readOnlyKey: null,
  }
  writeSecrets(directory, secrets)
  return secrets
}

export const writeSecrets = (directory: string, secrets: ClusterSecrets): void => {
  writeFileSync(file(directory), `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
}

/** As ARCTOS_ADMIN_KEY takes it. */
export const hashOf = (key: string): string => `sha256:${hashKey((text) => createHash('sha256').update(text, 'utf8').digest(), key)}`
