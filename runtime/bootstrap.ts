/** What a process opens before it is ready: the environments of its keys, and on a new development server the example. */
import type { InnerReplicator } from '../src/log/inner.ts'
import { developmentEnvironment, developmentKey } from '../src/wire/api-key.ts'
import type { ReplicaSet } from './environments.ts'
import { exampleEnvironment, exampleFacts, exampleKey, examplePolicy } from './example.ts'
import { hashKey, type KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'

export interface BootstrapOptions {
  readonly replicator: InnerReplicator
  readonly environments: ReplicaSet
  readonly keys: KeyRing
  readonly platform: Platform
  readonly development: boolean
  /** Whether a new log starts with the example. */
  readonly example: boolean
}

/** Resolves when everything that the log holds for the known keys is applied. */
export const bootstrap = async (options: BootstrapOptions): Promise<{ readonly hasExample: boolean }> => {
  const { replicator, environments, keys } = options
  const stored = new Set((await replicator.environments()).map(({ env }) => env))
  let hasExample = false
  if (options.development) {
    // The default environment is made last, so a start that was cut short loads the example again; its write ids keep that harmless.
    const isNew = !stored.has(developmentEnvironment)
    hasExample = stored.has(exampleEnvironment) || (isNew && options.example)
    if (hasExample) await openExample(options, isNew && options.example)
    addKey(options, developmentEnvironment, developmentKey)
  }
  for (const id of keys.environments()) if (environments.find(id) === undefined) await environments.open(id)
  return { hasExample }
}

const openExample = async (options: BootstrapOptions, load: boolean): Promise<void> => {
  const environment = await options.environments.open(exampleEnvironment)
  addKey(options, exampleEnvironment, exampleKey)
  if (!load) return
  await environment.write({ kind: 'policy', source: examplePolicy, filename: 'example.polar' }, 'example-policy')
  await environment.write({ kind: 'facts', changes: exampleFacts.map((fact) => ({ kind: 'insert', fact })) }, 'example-facts')
}

const addKey = ({ keys, platform }: BootstrapOptions, environment: string, key: string): void => {
  const tokenId = key.split('_')[2] ?? ''
  keys.add({ environment, tokenId, access: 'read-write', hash: hashKey(platform.sha256, key) })
}
