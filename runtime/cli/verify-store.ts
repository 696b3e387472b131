/** Reads an object store and checks that what it holds is what the log made; prints a line per environment and finding. */
import { join } from 'node:path'
import { manifestKey } from '../../snapshots/manifest.ts'
import { openObjectStore } from '../../snapshots/node/open-store.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import { compileModules, storePool } from '../../snapshots/node/stores.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import type { WriteLogLine } from '../../src/ops/log-line.ts'
import { parseStorePlace, type StorePlace } from '../../src/ops/places.ts'
import { settings } from '../../src/ops/settings.ts'
import { withoutSecrets } from '../../src/ops/without-secrets.ts'
import { isEnvironmentId } from '../../src/wire/api-key.ts'
import { CliError } from './cli-error.ts'
import { print, printError } from './output.ts'
import { verifyEnvironment } from './verify-environment.ts'

export interface VerifyOptions {
  readonly store?: string
  readonly directory?: string
}

/** Rejects with CliError when there is a finding. Without an environment all are looked at. */
export const verifyStore = async (environment: string | undefined, options: VerifyOptions): Promise<void> => {
  if (environment !== undefined && !isEnvironmentId(environment)) throw new CliError(`\`${environment}\` is no environment id`)
  const objects = await openStore(placeOf(options))
  const ids = environment === undefined ? await environmentsIn(objects) : [environment]
  if (ids.length === 0) throw new CliError(`${objects.name} has no manifest of any environment`)
  const pool = storePool(await compileModules())
  let findings = 0
  for (const id of ids) findings += await report({ objects, pool, platform: nodeSnapshotPlatform(logLine) }, id)
  if (findings > 0) throw new CliError(findings === 1 ? '1 finding' : `${findings} findings`)
}

const report = async (from: Parameters<typeof verifyEnvironment>[0], id: string): Promise<number> => {
  const { manifest, findings } = await verifyEnvironment(from, id)
  for (const finding of findings) print(`${id}: ${finding}`)
  if (findings.length === 0 && manifest !== null)
    print(`${id}: good up to ${manifest.coveredThrough}, ${manifest.snapshots.length} snapshots, ${manifest.deltas.length} deltas`)
  return findings.length
}

const placeOf = ({ store, directory }: VerifyOptions): StorePlace => {
  const text = store ?? (directory === undefined ? (process.env['ARCTOS_STORE'] ?? '') : '')
  // An empty variable is an unset one.
  const folder = directory ?? (process.env['OSO_DIRECTORY'] || settings.directory.default)
  if (text === '') return { kind: 'folder', path: join(folder, 'objects') }
  const parsed = parseStorePlace(text)
  if ('expected' in parsed) throw new CliError(`the store must be ${parsed.expected}, found \`${withoutSecrets(text)}\``)
  return parsed.place
}

const openStore = async (place: StorePlace): Promise<ObjectStore> =>
  orCliError(() => openObjectStore(place, { secret: process.env['ARCTOS_SECRET'] ?? null, access: 'read', log: logLine }))

const environmentsIn = async (objects: ObjectStore): Promise<readonly string[]> => {
  const listed = await orCliError(() => objects.list(''))
  return listed.flatMap(({ key }) => {
    const [id = ''] = key.split('/')
    return isEnvironmentId(id) && key === manifestKey(id) ? [id] : []
  })
}

const orCliError = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw error instanceof StoreError ? new CliError(error.message, { cause: error }) : error
  }
}

/** Findings are told as such. */
const logLine: WriteLogLine = (level, event, fields = {}) => {
  if (level === 'warn' || level === 'error') printError(`${event} ${JSON.stringify(fields)}`)
}
