/** The process of a fallback: an edge without an origin, for one environment, that starts from its copy on disk with everything else down. */

import { lockDirectory } from '../../replicator/directory-lock.ts'
import { ObjectCopy } from '../../snapshots/follower-copy.ts'
import { nodeSnapshotPlatform } from '../../snapshots/node/platform.ts'
import type { ObjectStore } from '../../snapshots/object-store.ts'
import type { SnapshotPlatform } from '../../snapshots/platform.ts'
import { messageOf } from '../../src/base/message.ts'
import { controlEnvironment } from '../../src/log/control.ts'
import type { Configuration } from '../../src/ops/settings.ts'
import { isEnvironmentId, parseKey } from '../../src/wire/api-key.ts'
import type { EdgeEnvironments } from '../edge-environments.ts'
import { fallbackMetrics, withFallbackRequests } from '../edge-metrics.ts'
import { hashKey } from '../keys.ts'
import type { Platform } from '../platform.ts'
import { nodeEdgeKeys, type RunningEdge, serveEdge } from './edge.ts'
import { exportArchive, hasCopy, importArchive, openCopy, openSource, sourcePlace } from './edge-objects.ts'
import { nodePlatform, StartError } from './start.ts'

export interface FallbackIdentity {
  readonly env: string
  readonly tenant: string
  readonly token: string
}

/** What a fallback has to be told. Throws StartError that names all that is missing. */
export const fallbackIdentity = ({ apiToken, fallbackEnvironment: env, tenant }: Configuration): FallbackIdentity => {
  const missing = Object.entries({ OSO_API_TOKEN: apiToken, OSO_ENVIRONMENT: env, OSO_TENANT: tenant }).flatMap(([name, value]) =>
    value === null ? [`\`${name}\``] : [],
  )
  if (apiToken === null || env === null || tenant === null) throw new StartError(`a fallback needs ${missing.join(', ')}`)
  if (!isEnvironmentId(env) || env === controlEnvironment) {
    throw new StartError(`\`OSO_ENVIRONMENT\` is \`${env}\`, expected the id of an environment: letters, digits and \`-\`, at most 64`)
  }
  const key = parseKey(apiToken)
  if (key === null) throw new StartError('`OSO_API_TOKEN` is no API key, expected `e_<environment>_<token id>_<secret>`')
  if (key.environment !== env) {
    throw new StartError(`\`OSO_API_TOKEN\` is a key of environment \`${key.environment}\`, \`OSO_ENVIRONMENT\` is \`${env}\``)
  }
  return { env, tenant, token: apiToken }
}

/** Resolves when a valid snapshot answers. Rejects with StartError when there is none, neither in the store nor on disk nor in `archive`. */
export const startFallback = async (configuration: Configuration, archive: string | null = null): Promise<RunningEdge> => {
  const identity = fallbackIdentity(configuration)
  const unlock = lock(configuration.directory)
  try {
    const running = await start(configuration, identity, archive)
    return { ...running, stop: () => running.stop().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}

const start = async (
  configuration: Configuration,
  { env, tenant, token }: FallbackIdentity,
  archive: string | null,
): Promise<RunningEdge> => {
  const base = nodePlatform(configuration)
  const platform: Platform = { ...base, metrics: withFallbackRequests(base.metrics) }
  const { objects, heartbeats, update } = await openCopied(configuration, nodeSnapshotPlatform(platform.log), { env, archive })
  const looked = async (environments: EdgeEnvironments): Promise<void> => {
    // It is what this process is there for, so it is loaded before anyone asks.
    await environments.load(env)?.catch(() => undefined)
    const problem = environments.loadProblem(env)
    if (problem !== null)
      throw new StartError(`there is no snapshot of environment \`${env}\` to start from, in the store or on disk: ${problem}`)
    fallbackMetrics(platform.metrics, { environments, env, nowMs: platform.nowMs })
  }
  const keys = await nodeEdgeKeys(configuration, platform, env)
  keys.add({ environment: env, tokenId: token.split('_')[2] ?? '', access: 'read-only', hash: hashKey(platform.sha256, token) })
  const followedBy = (copied: string) => ({ objects, heartbeats, fetch: () => update(copied) })
  const running = await serveEdge({ configuration, platform, keys, kind: 'fallback', origin: null, only: env, followedBy, looked })
  platform.log('info', 'fallback', { environment: env, tenant })
  return running
}

interface Copied {
  readonly objects: ObjectStore
  readonly heartbeats: ObjectStore
  /** Brings the copy of one environment up to date. */
  readonly update: (env: string) => Promise<void>
}

const openCopied = async (
  configuration: Configuration,
  platform: SnapshotPlatform,
  { env, archive }: { readonly env: string; readonly archive: string | null },
): Promise<Copied> => {
  const { directory, secret } = configuration
  const copy = await openCopy(directory)
  const orElse = archive !== null || (await hasCopy(copy, env))
  const source = await openSource(sourcePlace(configuration), { secret, platform, orElse })
  const copies = new Map<string, ObjectCopy>()
  const update = async (copied: string): Promise<void> => {
    const held = copies.get(copied) ?? new ObjectCopy({ from: source, to: copy, env: copied, platform })
    copies.set(copied, held)
    await held.update()
  }
  if (archive !== null) await importIfNeeded(archive, { update, copy, env, directory, platform })
  return { objects: copy, heartbeats: source, update }
}

/** One process per directory: another one would delete what this one reads. Throws StartError. */
const lock = (directory: string): (() => void) => {
  try {
    return lockDirectory(directory)
  } catch (cause) {
    throw new StartError(messageOf(cause), { cause })
  }
}

/** Writes an archive of what the store holds, or else of the copy. Rejects with StartError. */
export const exportFallback = async (configuration: Configuration, path: string): Promise<void> => {
  const { env } = fallbackIdentity(configuration)
  const { log } = nodePlatform(configuration)
  const snapshots = nodeSnapshotPlatform(log)
  const copy = await openCopy(configuration.directory)
  const source = await openSource(sourcePlace(configuration), { secret: configuration.secret, platform: snapshots, orElse: true })
  const reasons: string[] = []
  for (const objects of [source, copy]) {
    try {
      if (await hasCopy(objects, env)) return await exportArchive(path, objects, env)
      reasons.push(`${objects.name} has no snapshot of environment \`${env}\``)
    } catch (error) {
      reasons.push(messageOf(error))
    }
  }
  throw new StartError(`nothing can be exported: ${reasons.join('; ')}`)
}

interface Importing {
  readonly update: (env: string) => Promise<void>
  readonly copy: ObjectStore
  readonly env: string
  readonly directory: string
  readonly platform: SnapshotPlatform
}

/** An archive stands for a store that does not answer. */
const importIfNeeded = async (archive: string, { update, copy, env, directory, platform }: Importing): Promise<void> => {
  try {
    await update(env)
  } catch (error) {
    platform.log('warn', 'import', { file: archive, because: messageOf(error) })
    await importArchive(archive, { copy, directory, env, platform })
  }
}
