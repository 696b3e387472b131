/** What a process opens before it is ready: `control`, the environments of its keys, on a new development server the example, and all that `control` names. */
import { controlEnvironment } from '../src/log/control.ts'
import { LogError } from '../src/log/log.ts'
import { developmentEnvironment, developmentKey } from '../src/wire/api-key.ts'
import { Control } from './control.ts'
import type { ReplicaSet } from './environments.ts'
import { exampleEnvironment, exampleFacts, exampleKey, examplePolicy } from './example.ts'
import { hashKey, type KeyRing } from './keys.ts'
import type { Platform } from './platform.ts'

export interface BootstrapOptions {
  readonly environments: ReplicaSet
  readonly keys: KeyRing
  readonly platform: Platform
  readonly development: boolean
  /** Whether a new log starts with the example. */
  readonly example: boolean
}

export interface Bootstrapped {
  readonly hasExample: boolean
  /** Follows from now on. */
  readonly control: Control
}

/** Resolves when everything that the log holds for the known keys is applied. */
export const bootstrap = async (options: BootstrapOptions): Promise<Bootstrapped> => {
  const { environments, keys, platform } = options
  const environment = await environments.open(controlEnvironment)
  const control = new Control({ environment, environments, keys, platform })
  let hasExample = false
  if (options.development) {
    // The default environment is made last, so a start that was cut short loads the example again; its write ids keep that harmless.
    const isNew = control.find(developmentEnvironment) === undefined && !control.wasDeleted(developmentEnvironment)
    hasExample = (control.find(exampleEnvironment) !== undefined || (isNew && options.example)) && !control.wasDeleted(exampleEnvironment)
    if (hasExample) await openExample(options, isNew && options.example)
    addKey(options, developmentEnvironment, developmentKey)
  }
  for (const id of keys.environments()) {
    if (control.wasDeleted(id)) platform.log('warn', 'keys-of-a-deleted-environment', { hint: 'take them out of the key file' })
    else if (!environments.serves(id)) await openOrWant(id, environments, control)
  }
  await control.start()
  return { hasExample, control }
}

/** One that cannot be had now holds up no other. */
const openOrWant = async (id: string, environments: ReplicaSet, control: Control): Promise<void> => {
  try {
    await environments.serve(id)
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'unavailable') throw error
    control.want(id)
  }
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
